//! What a template may consist of, and which variables it names.

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt, UnaryOpKind};
use minijinja::machinery::{Span, Token, parse, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::{MAX_TEMPLATE, TemplateError, Variables};

/// Words and signs in one `{{ }}` or `{% %}`. The parser turns a chain of them into a tree as deep, and the compiler
/// walks it by recursion.
const MAX_TOKENS: usize = 100;
/// `{% %}` in one template, for the same reason: each `elif` lies within the one before.
const MAX_BLOCKS: usize = 100;

/// Of one text, told at once.
const MAX_REFUSED: usize = 20;

const FILTERS: [&str; 7] = ["default", "join", "length", "lower", "trim", "upper", "urlencode"];
const TESTS: [&str; 2] = ["defined", "undefined"];

type Checked = Result<(), TemplateError>;

pub(super) fn check(text: &str) -> Result<Variables, TemplateError> {
    used_by(&read(text)?)
}

fn read(text: &str) -> Result<Stmt<'_>, TemplateError> {
    if text.len() > MAX_TEMPLATE {
        return Err(TemplateError::limit(None, format!("a template has at most {MAX_TEMPLATE} bytes")));
    }
    check_tokens(text)?;
    parse(text, "text", SyntaxConfig::default()).map_err(|error| syntax(&error))
}

/// All that is refused in a text, as far as it can be read.
pub(super) fn refusals(text: &str) -> Vec<TemplateError> {
    let template = match read(text) {
        Ok(template) => template,
        Err(error) => return vec![error],
    };
    let mut walk = Walk::default();
    let last = walk.statement(&template).err();
    walk.refused.into_iter().chain(last).take(MAX_REFUSED).collect()
}

/// The variables a part of a template names.
pub(super) fn used_by(part: &Stmt<'_>) -> Result<Variables, TemplateError> {
    let mut walk = Walk::default();
    walk.statement(part)?;
    walk.refused.into_iter().next().map_or(Ok(walk.variables), Err)
}

/// The engine's words for what is wrong, without its name for the text.
pub(super) fn syntax(error: &minijinja::Error) -> TemplateError {
    TemplateError::syntax(error.line(), error.detail().unwrap_or("this is not a template").to_owned())
}

fn line(span: Span) -> usize {
    usize::from(span.start_line)
}

fn check_tokens(text: &str) -> Checked {
    let (mut tokens, mut blocks) = (0, 0);
    for token in tokenize(text, false, SyntaxConfig::default()) {
        let (token, span) = token.map_err(|error| syntax(&error))?;
        match token {
            Token::TemplateData(_) => {}
            Token::VariableStart => tokens = 0,
            Token::BlockStart => (tokens, blocks) = (0, blocks + 1),
            _ => tokens += 1,
        }
        if tokens > MAX_TOKENS {
            return Err(TemplateError::limit(line(span), "this expression is too long"));
        }
        if blocks > MAX_BLOCKS {
            return Err(TemplateError::limit(
                line(span),
                format!("a template has at most {MAX_BLOCKS} {{% %}}"),
            ));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Walk<'t> {
    variables: Variables,
    /// What cannot be used, in the order of the text.
    refused: Vec<TemplateError>,
    /// What the loops around this place have named.
    scopes: Vec<Vec<&'t str>>,
}

impl<'t> Walk<'t> {
    /// Goes on after what is refused, so that all of it is told.
    fn statements(&mut self, statements: &[Stmt<'t>]) {
        for statement in statements {
            if let Err(refused) = self.statement(statement) {
                self.refused.push(refused);
            }
        }
    }

    fn statement(&mut self, statement: &Stmt<'t>) -> Checked {
        let (what, span) = match statement {
            Stmt::Template(template) => {
                self.statements(&template.children);
                return Ok(());
            }
            Stmt::EmitRaw(_) => return Ok(()),
            Stmt::EmitExpr(emit) => return self.expression(&emit.expr),
            Stmt::IfCond(condition) => {
                self.expression(&condition.expr)?;
                self.statements(&condition.true_body);
                self.statements(&condition.false_body);
                return Ok(());
            }
            Stmt::ForLoop(for_loop) => {
                if for_loop.recursive {
                    return Err(refused(for_loop.span(), "a recursive loop"));
                }
                self.expression(&for_loop.iter)?;
                let mut scope = vec!["loop"];
                targets(&for_loop.target, &mut scope)?;
                self.scopes.push(scope);
                for_loop.filter_expr.iter().try_for_each(|condition| self.expression(condition))?;
                self.statements(&for_loop.body);
                self.scopes.pop();
                self.statements(&for_loop.else_body);
                return Ok(());
            }
            Stmt::WithBlock(it) => ("with", it.span()),
            Stmt::Set(it) => ("set", it.span()),
            Stmt::SetBlock(it) => ("set", it.span()),
            Stmt::AutoEscape(it) => ("autoescape", it.span()),
            Stmt::FilterBlock(it) => ("filter", it.span()),
            Stmt::Do(it) => ("do", it.span()),
        };
        Err(refused(span, &format!("{{% {what} %}}")))
    }

    fn expression(&mut self, expression: &Expr<'t>) -> Checked {
        match expression {
            Expr::Const(_) => Ok(()),
            Expr::Var(variable) => {
                self.name(variable.id);
                Ok(())
            }
            Expr::UnaryOp(it) => match it.op {
                UnaryOpKind::Not | UnaryOpKind::Neg => self.expression(&it.expr),
            },
            Expr::BinOp(it) => {
                use BinOpKind::{Add, Concat, Div, FloorDiv, Mul, Pow, Rem, Sub};
                if matches!(it.op, Add | Sub | Mul | Div | FloorDiv | Rem | Pow | Concat) {
                    return Err(refused(it.span(), "reckoning with values (+ - * / % ~)"));
                }
                self.expression(&it.left)?;
                self.expression(&it.right)
            }
            Expr::Compare(it) => {
                self.expression(&it.expr)?;
                it.ops.iter().try_for_each(|op| self.expression(&op.expr))
            }
            Expr::IfExpr(it) => {
                self.expression(&it.test_expr)?;
                self.expression(&it.true_expr)?;
                it.false_expr.iter().try_for_each(|e| self.expression(e))
            }
            Expr::GetAttr(it) => self.expression(&it.expr),
            Expr::GetItem(it) => {
                self.expression(&it.expr)?;
                self.expression(&it.subscript_expr)
            }
            // Of constants only: a list of variables twice over, looped over, is a way to double.
            Expr::List(it) if it.items.iter().all(|item| matches!(item, Expr::Const(_))) => Ok(()),
            Expr::Filter(it) if FILTERS.contains(&it.name) => {
                if it.name == "default" {
                    it.expr.iter().for_each(|e| self.may_be_missing(e));
                }
                it.expr.iter().try_for_each(|e| self.expression(e))?;
                self.arguments(&it.args)
            }
            Expr::Filter(it) => {
                let known = FILTERS.join(", ");
                Err(TemplateError::syntax(
                    line(it.span()),
                    format!("no filter `{}`; there are {known}", it.name),
                ))
            }
            Expr::Test(it) if TESTS.contains(&it.name) => {
                self.may_be_missing(&it.expr);
                self.expression(&it.expr)?;
                self.arguments(&it.args)
            }
            Expr::Test(it) => {
                let known = TESTS.join(", ");
                Err(TemplateError::syntax(
                    line(it.span()),
                    format!("no test `{}`; there are {known}", it.name),
                ))
            }
            Expr::Call(it) => Err(refused(it.span(), "a call")),
            Expr::Slice(it) => Err(refused(it.span(), "a slice")),
            Expr::List(it) => Err(refused(it.span(), "a list of anything but constants")),
            Expr::Tuple(it) => Err(refused(it.span(), "a tuple")),
            Expr::Map(it) => Err(refused(it.span(), "a map")),
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'t>]) -> Checked {
        arguments.iter().try_for_each(|argument| match argument {
            CallArg::Pos(value) => self.expression(value),
            CallArg::Kwarg(_, value) | CallArg::PosSplat(value) | CallArg::KwargSplat(value) => {
                Err(refused(value.span(), "a named or unpacked argument"))
            }
        })
    }

    fn name(&mut self, name: &'t str) {
        if !self.is_local(name) {
            self.variables.all.insert(name.to_owned());
        }
    }

    /// One place that asks whether a variable is there speaks for the whole text.
    fn may_be_missing(&mut self, expression: &Expr<'t>) {
        if let Expr::Var(variable) = expression
            && !self.is_local(variable.id)
        {
            self.variables.optional.insert(variable.id.to_owned());
        }
    }

    fn is_local(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains(&name))
    }
}

/// The names a loop gives to what it goes through.
fn targets<'t>(target: &Expr<'t>, scope: &mut Vec<&'t str>) -> Checked {
    match target {
        Expr::Var(variable) => {
            scope.push(variable.id);
            Ok(())
        }
        Expr::List(it) => it.items.iter().try_for_each(|item| targets(item, scope)),
        Expr::Tuple(it) => it.items.iter().try_for_each(|item| targets(item, scope)),
        other => Err(refused(other.span(), "this loop variable")),
    }
}

fn refused(span: Span, what: &str) -> TemplateError {
    let detail =
        format!("{what} cannot be used here; there are {{{{ variables }}}}, if, for and a few filters");
    TemplateError::syntax(line(span), detail)
}
