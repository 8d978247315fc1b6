//! What a text says before it is known whom it is for.

use std::collections::BTreeSet;

use minijinja::machinery::ast::{CallArg, Expr, Stmt};
use minijinja::machinery::{Span, parse};
use minijinja::syntax::SyntaxConfig;

use super::{Escape, Variables, check, render};
use crate::domain::audience::Params;
use crate::domain::content::escape as escaped;

/// A text with what is the same for everybody filled in, and a mark such as `‹book›` in place of each part that hangs
/// on one of the variables in `own`, which everybody has a value of their own for.
///
/// `{{ course }}：{{ book }} 到期` → `化学：‹book› 到期`
pub fn outline(text: &str, params: &Params, own: &BTreeSet<String>, escape: Escape) -> String {
    let Ok(Stmt::Template(template)) = parse(text, "text", SyntaxConfig::default()) else {
        return text.to_owned();
    };
    let mut outline = String::with_capacity(text.len());
    for part in &template.children {
        if let Stmt::EmitRaw(raw) = part {
            outline.push_str(raw.raw);
            continue;
        }
        let variables = check::used_by(part).unwrap_or_default();
        let filled = if variables.all.is_disjoint(own) {
            // What cannot be filled in is marked, too: whoever looks on is not the one to mend it.
            source(text, part).and_then(|part| render(&part, params, escape).ok())
        } else {
            None
        };
        outline.push_str(&filled.unwrap_or_else(|| mark(part, &variables, own, escape)));
    }
    outline
}

/// What the parts of a text that hang on variables in `own` may say by themselves, for one person or another: the text in
/// their blocks, and texts among their values.
pub fn literals(text: &str, own: &BTreeSet<String>) -> Vec<String> {
    let Ok(Stmt::Template(template)) = parse(text, "text", SyntaxConfig::default()) else {
        return Vec::new();
    };
    let mut literals = Vec::new();
    for part in &template.children {
        if !check::used_by(part).unwrap_or_default().all.is_disjoint(own) {
            said_by(part, &mut literals);
        }
    }
    literals
}

fn said_by(part: &Stmt<'_>, literals: &mut Vec<String>) {
    match part {
        Stmt::EmitRaw(raw) => literals.push(raw.raw.to_owned()),
        Stmt::EmitExpr(emit) => written_in(&emit.expr, literals),
        Stmt::IfCond(it) => {
            it.true_body.iter().chain(&it.false_body).for_each(|part| said_by(part, literals));
        }
        Stmt::ForLoop(it) => {
            written_in(&it.iter, literals);
            it.body.iter().chain(&it.else_body).for_each(|part| said_by(part, literals));
        }
        // Nothing else is let into a template.
        _ => {}
    }
}

fn written_in(expression: &Expr<'_>, literals: &mut Vec<String>) {
    match expression {
        Expr::Const(it) => literals.extend(it.value.as_str().map(str::to_owned)),
        Expr::BinOp(it) => {
            written_in(&it.left, literals);
            written_in(&it.right, literals);
        }
        Expr::IfExpr(it) => {
            written_in(&it.true_expr, literals);
            it.false_expr.iter().for_each(|other| written_in(other, literals));
        }
        Expr::Filter(it) => {
            it.expr.iter().for_each(|of| written_in(of, literals));
            for argument in &it.args {
                if let CallArg::Pos(value) = argument {
                    written_in(value, literals);
                }
            }
        }
        Expr::List(it) => it.items.iter().for_each(|item| written_in(item, literals)),
        _ => {}
    }
}

/// A part by itself. The spans leave out the braces around what is said in them.
fn source(text: &str, part: &Stmt<'_>) -> Option<String> {
    let slice = |span: Span| text.get(span.start_offset as usize..span.end_offset as usize);
    match part {
        Stmt::EmitExpr(it) => slice(it.span()).map(|inner| format!("{inner} }}}}")),
        Stmt::IfCond(it) => slice(it.span()).map(|inner| format!("{{% {inner} %}}")),
        Stmt::ForLoop(it) => slice(it.span()).map(|inner| format!("{{% {inner} %}}")),
        _ => None,
    }
}

/// Names what a part hangs on: a value by its path, a condition by its variables.
fn mark(part: &Stmt<'_>, variables: &Variables, own: &BTreeSet<String>, escape: Escape) -> String {
    let path = match part {
        Stmt::EmitExpr(emit) => path(&emit.expr),
        _ => None,
    };
    let names = path.unwrap_or_else(|| {
        let own: Vec<_> = variables.all.intersection(own).map(String::as_str).collect();
        if own.is_empty() { "…".to_owned() } else { own.join(", ") }
    });
    let mut safe = String::new();
    match escape {
        Escape::None => safe = names,
        // Writing to a string cannot fail.
        Escape::Markdown => escaped::markdown(&names, &mut safe).unwrap_or_default(),
    }
    format!("‹{safe}›")
}

/// `book.title` of a value that is shown as it is or through filters.
fn path(expression: &Expr<'_>) -> Option<String> {
    match expression {
        Expr::Var(variable) => Some(variable.id.to_owned()),
        Expr::GetAttr(it) => Some(format!("{}.{}", path(&it.expr)?, it.name)),
        Expr::Filter(it) => path(it.expr.as_ref()?),
        _ => None,
    }
}
