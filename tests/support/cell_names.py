"""Which names a cell needs from the cells before it, and which it leaves behind, read off its text."""

from __future__ import annotations

import ast

# What people call things: in a cell of one's own each of these may become anything. From reports of notebooks
# that broke (start, progress, predict, check, …), and from what one writes while trying things out.
_WORDS = """
a acc accuracy alpha answer answers arr array average ax axes axis b base baseline batch batches begin
beta board bs c check checkpoint checks clock common config correct count counts criterion data dataset
datasets device df diff e end end_time epoch epochs error errors evaluate example examples exercise
exercises expected explain f fig figure file files first fn found func function g grad gradient gradients
grads guess h hint history i idx image images img index info inputs item items j k key keys l label
labeled labels lam lambda_u last latest learn length line lines live loader log logger logits logs loss
losses lr m main make_model mask masks mean measured median message metrics mode model models momentum n
name names net network now number numbers ok opt optim optimizer options out output outputs own p
parameters params parts path pbar plot plots points pred predict prediction predictions preds prob
probabilities probs progress q r rate rates recall record recorded records report res result results
reveal rng row rows run running_loss runs s sample samples schedule scheduler score scores seed seeds
settings shape shown size sizes solution start start_time started started_at state states std step steps
stop strong summary t table target targets tau temp test tests threshold thresholds time timer title tmp
today tools total total_loss train trained training u unlabeled v val valid validate validation value
values variables views w weak weight weights x xs y y_pred ys z
"""
# Builtins that beginners take for their own.
_BUILTINS = "dict id input list max min str sum type"
EVERYDAY = frozenset(f"{_WORDS} {_BUILTINS}".split())


class _Reader(ast.NodeVisitor):
    """Goes through statements in the order in which they run."""

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.needs: set[str] = set()
        self.later: set[str] = set()  # read when a function of the cell is called

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.bound.add(node.id)
        elif node.id not in self.bound:
            self.needs.add(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._in_order(node.value, *node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._in_order(node.value, node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name) and node.target.id not in self.bound:
            self.needs.add(node.target.id)
        self._in_order(node.value, node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._in_order(node.value, node.target)

    def visit_For(self, node: ast.For) -> None:
        self._in_order(node.iter, node.target, *node.body, *node.orelse)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._in_order(*node.decorator_list, *node.args.defaults, *node.args.kw_defaults)
        self.later |= _free(node)
        self.bound.add(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._in_order(*node.args.defaults, *node.args.kw_defaults)
        self.later |= _free(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._in_order(*node.decorator_list, *node.bases, *node.keywords)
        self.later |= _free(node)
        self.bound.add(node.name)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}

    visit_ImportFrom = visit_Import

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        outside = set(self.bound)
        for part in node.generators:
            self._in_order(part.iter, part.target, *part.ifs)
        values = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        self._in_order(*values)
        self.bound = outside

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp

    def _in_order(self, *nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)


def _free(node: ast.FunctionDef | ast.Lambda | ast.ClassDef) -> set[str]:
    """Names that the body of a function or class takes from outside."""
    inside, read = set(), set()
    body = node.body if isinstance(node.body, list) else [node.body]
    arguments = [] if isinstance(node, ast.ClassDef) else [node.args]
    for each in (child for part in (*arguments, *body) for child in ast.walk(part)):
        if isinstance(each, ast.Name):
            (read if isinstance(each.ctx, ast.Load) else inside).add(each.id)
        elif isinstance(each, ast.arg):
            inside.add(each.arg)
        elif isinstance(each, ast.FunctionDef | ast.ClassDef):
            inside.add(each.name)
        elif isinstance(each, ast.Import | ast.ImportFrom):
            inside |= {(alias.asname or alias.name).split(".")[0] for alias in each.names}
        elif isinstance(each, ast.ExceptHandler) and each.name:
            inside.add(each.name)
    return read - inside


def needed_and_left(code: str) -> tuple[set[str], set[str]]:
    """Names that a cell takes from elsewhere, builtins too, and those that it leaves to the next cells."""
    reader = _Reader()
    reader.visit(ast.parse(code))
    return reader.needs | (reader.later - reader.bound), reader.bound
