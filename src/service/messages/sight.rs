//! Whose messages somebody sees and acts on. A source sees its own, one with the right `read_all` all; operators see those
//! of the departments in which they hold the permission. What no source sent belongs to no department. What somebody does
//! not see is not there: it is answered as what never was.

use std::collections::BTreeSet;

use crate::domain::grant::Reach;
use crate::domain::id::SourceId;
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::error::Result;
use crate::service::{Caller, Services};
use crate::store::{Tx, sources};

/// Whose messages are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service) enum Sight {
    All,
    Of(BTreeSet<SourceId>),
}

impl Sight {
    /// What the caller may look at.
    pub async fn of(s: &Services, caller: &Caller) -> Result<Self> {
        match caller {
            Caller::Key(key) if key.rights.contains(&Right::ReadAll) => Ok(Self::All),
            Caller::Key(key) => Ok(Self::Of([key.source].into())),
            _ => Self::by(s, caller, Permission::MessagesView).await,
        }
    }

    /// Where an operator holds the permission.
    pub async fn by(s: &Services, caller: &Caller, permission: Permission) -> Result<Self> {
        let reach = caller.reach(permission)?;
        if reach == Reach::Everywhere {
            return Ok(Self::All);
        }
        let rows = sources::departments(&s.db).await?;
        Ok(Self::Of(rows.into_iter().filter(|row| reach.covers(&row.department)).map(|row| row.id).collect()))
    }

    /// Whether messages of that source are among them; of none: those that no source sent.
    pub fn holds(&self, source: Option<SourceId>) -> bool {
        match self {
            Self::All => true,
            Self::Of(sources) => source.is_some_and(|source| sources.contains(&source)),
        }
    }

    /// Their sources, of which only the one asked for, if one is; `None`: all, and what no source sent.
    pub fn sources(&self, asked: Option<SourceId>) -> Option<Vec<SourceId>> {
        match (self, asked) {
            (_, Some(source)) => {
                Some([source].into_iter().filter(|source| self.holds(Some(*source))).collect())
            }
            (Self::All, None) => None,
            (Self::Of(sources), None) => Some(sources.iter().copied().collect()),
        }
    }
}

/// Whether an operator holds the permission for the messages of a source; of none: for those that no source sent.
pub async fn may(
    s: &Services,
    caller: &Caller,
    permission: Permission,
    source: Option<SourceId>,
) -> Result<bool> {
    match Sight::by(s, caller, permission).await {
        Ok(sight) => Ok(sight.holds(source)),
        Err(crate::Error::Forbidden { .. }) => Ok(false),
        Err(other) => Err(other),
    }
}

/// As [`may`], within a transaction; refuses whoever holds it nowhere.
pub(in crate::service) async fn holds(
    tx: &mut Tx,
    caller: &Caller,
    permission: Permission,
    source: Option<SourceId>,
) -> Result<bool> {
    let reach = caller.reach(permission)?;
    match source {
        _ if reach == Reach::Everywhere => Ok(true),
        Some(source) => {
            let department = sources::department(tx, source).await?;
            Ok(department.is_some_and(|department| reach.covers(&department)))
        }
        None => Ok(false),
    }
}
