//! Who asks, and what they may do.

use std::sync::Arc;

use crate::config::Language;
use crate::domain::channel::ChannelKind;
use crate::domain::grant::{Powers, Reach};
use crate::domain::id::{KeyId, OperatorId, SourceId};
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::domain::topic::TopicPattern;
use crate::{Error, Result};

/// The acting party of a use case.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A departmental system with its key.
    Key(Arc<KeyCaller>),
    /// A signed-in administrator.
    Operator(OperatorCaller),
    /// A command on the server itself, whose user may read the store anyway. The text names it in the audit log.
    Command(&'static str),
}

#[derive(Clone, Debug)]
pub struct KeyCaller {
    /// None where no key was shown: the broker vouches for who publishes there.
    pub key: Option<KeyId>,
    pub test: bool,
    pub source: SourceId,
    pub source_name: String,
    pub department: String,
    pub topics: Vec<TopicPattern>,
    pub channels: Vec<ChannelKind>,
    pub rights: Vec<Right>,
    /// Slugs of the groups it may write to; none: to anybody.
    pub groups: Vec<String>,
    pub rate_per_second: Option<u32>,
    pub daily_messages: Option<u64>,
}

/// Keeps apart what live and test keys of one source make up, such as idempotency keys.
pub(super) const fn mode(test: bool) -> &'static str {
    if test { "test" } else { "live" }
}

#[derive(Clone, Debug)]
pub struct OperatorCaller {
    pub id: OperatorId,
    pub name: String,
    pub email: String,
    /// What the roles they hold are called: a built-in one by its word, a made one by its name.
    pub roles: Vec<String>,
    /// What they may do, and where.
    pub powers: Powers,
    /// A duty officer of the whole campus.
    pub on_duty: bool,
    /// Of the console's pages; the campus's where it is not chosen.
    pub language: Option<Language>,
}

impl Caller {
    /// Refuses a key without the right. Operators and commands are asked for permissions instead.
    pub fn require_right(&self, right: Right) -> Result<()> {
        match self {
            Self::Key(key) if !key.rights.contains(&right) => Err(Error::forbidden(
                right.name(),
                format!("this key's source lacks the right `{right}`; an administrator can grant it"),
            )),
            _ => Ok(()),
        }
    }

    /// Refuses an operator who does not hold the permission everywhere, and every key. What knows of departments asks
    /// for the [`reach`](Self::reach) instead; what does not is closed to whoever is limited to some.
    pub fn require(&self, permission: Permission) -> Result<()> {
        match self.reach(permission)? {
            Reach::Everywhere => Ok(()),
            Reach::Departments(_) => Err(Error::forbidden(
                permission.name(),
                format!("you hold the permission `{permission}` in some departments only"),
            )),
        }
    }

    /// Where the caller holds a permission. Refuses an operator who holds it nowhere, and every key.
    pub fn reach(&self, permission: Permission) -> Result<Reach> {
        match self {
            Self::Operator(operator) => operator.powers.reach(permission).cloned().ok_or_else(|| {
                Error::forbidden(permission.name(), format!("your role lacks the permission `{permission}`"))
            }),
            Self::Command(_) => Ok(Reach::Everywhere),
            Self::Key(_) => Err(Error::forbidden(permission.name(), "API keys cannot do this")),
        }
    }

    /// The operator who is signed in, where it is one.
    pub fn operator(&self) -> Option<OperatorId> {
        match self {
            Self::Operator(operator) => Some(operator.id),
            Self::Key(_) | Self::Command(_) => None,
        }
    }

    /// How the audit log and the timeline name the caller.
    pub fn label(&self) -> String {
        match self {
            Self::Key(key) => format!("source {}", key.source_name),
            Self::Operator(operator) => format!("{} <{}>", operator.name, operator.email),
            Self::Command(name) => format!("command {name}"),
        }
    }
}
