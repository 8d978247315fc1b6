//! Filters as rows of attribute, operator and value, for whoever does not write the language: which filters can be shown
//! so without a word of them lost, and what rows are written as.

mod asks;
mod reading;
#[cfg(test)]
mod tests;
mod writing;

pub use self::asks::Asks;
use self::reading::row;
use super::Filter;
use super::ast::Expression;

/// What separates the values of a list where they are typed into one field.
const SEPARATORS: [char; 5] = ['、', ',', '，', ';', '；'];

/// Whether all have to hold, or any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Join {
    #[default]
    All,
    Any,
}

impl Join {
    pub const ALL: [Self; 2] = [Self::All, Self::Any];

    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Any => "any",
        }
    }

    pub fn of(name: &str) -> Self {
        if name == Self::Any.name() { Self::Any } else { Self::All }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::All => " and ",
            Self::Any => " or ",
        }
    }
}

/// One attribute put to one question, as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub attribute: String,
    pub asks: Asks,
    /// Several values stand in one text, with `、` between them.
    pub value: String,
}

/// Rows that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    pub join: Join,
    pub rows: Vec<Row>,
}

/// A filter of one level of nesting: blocks of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Between the blocks.
    pub join: Join,
    pub blocks: Vec<Block>,
}

/// Why a row cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    NoAttribute,
    BadAttribute,
    NoValue,
    NotANumber,
}

impl Rows {
    /// One block with one empty row, to begin with.
    pub fn blank() -> Self {
        Self { join: Join::All, blocks: vec![Block { join: Join::All, rows: vec![Row::default()] }] }
    }

    /// The filter as rows; `None` where it says more than rows can, so it has to stay a text.
    pub fn of(filter: &Filter) -> Option<Self> {
        let (join, parts) = match &filter.expression {
            Expression::All(parts) => (Join::All, parts.as_slice()),
            Expression::Any(parts) => (Join::Any, parts.as_slice()),
            only => (Join::All, std::slice::from_ref(only)),
        };
        let mut blocks: Vec<Block> = Vec::new();
        for part in parts {
            match part {
                Expression::All(inner) | Expression::Any(inner) => {
                    let own = if matches!(part, Expression::All(_)) { Join::All } else { Join::Any };
                    // `(a and b) and c` is no different from what it looks like; written anew it would be.
                    if own == join {
                        return None;
                    }
                    blocks.push(Block { join: own, rows: inner.iter().map(row).collect::<Option<_>>()? });
                }
                single => {
                    let row = row(single)?;
                    match blocks.last_mut() {
                        Some(last) if last.join == join => last.rows.push(row),
                        _ => blocks.push(Block { join, rows: vec![row] }),
                    }
                }
            }
        }
        Some(Self { join, blocks })
    }

    /// The rows as a filter's text. Empty blocks are left out; no rows at all are an empty text.
    ///
    /// # Errors
    ///
    /// Each row that cannot be written, by block and place in it.
    pub fn text(&self) -> Result<String, Vec<(usize, usize, RowFault)>> {
        let mut faults = Vec::new();
        let mut written = Vec::new();
        for (b, block) in self.blocks.iter().enumerate() {
            let mut rows = Vec::new();
            for (r, row) in block.rows.iter().enumerate() {
                match row.text() {
                    Ok(text) => rows.push(text),
                    Err(fault) => faults.push((b, r, fault)),
                }
            }
            if !rows.is_empty() {
                written.push((block.join, rows));
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let alone = written.len() == 1;
        let blocks = written.into_iter().map(|(join, rows)| {
            let text = rows.join(join.word());
            if alone || rows.len() == 1 || join == self.join { text } else { format!("({text})") }
        });
        Ok(blocks.collect::<Vec<_>>().join(self.join.word()))
    }

    /// Nothing has been filled in yet.
    pub fn is_blank(&self) -> bool {
        self.blocks
            .iter()
            .flat_map(|block| &block.rows)
            .all(|row| row.attribute.is_empty() && row.value.is_empty())
    }
}

impl Row {
    /// The values of a list, one by one.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.value.split(SEPARATORS).map(str::trim).filter(|value| !value.is_empty())
    }
}
