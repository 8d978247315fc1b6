//! What conditions over messages' attributes can ask for: what the messages of the last days have. A condition that asks
//! for anything else holds for none of them, most often because a name was misspelt.

use std::collections::BTreeSet;

use super::{Caller, Services, hindsight};
use crate::Result;
use crate::domain::filter::{Filter, meant};
use crate::domain::id::MessageId;
use crate::domain::operator::Permission;
use crate::domain::routing::Rule;
use crate::store::hindsight as store;
use crate::store::routing;

/// Messages looked at.
const MOST: i64 = 500;

/// Names of attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Messages of the last days have them.
    pub had: BTreeSet<String>,
    /// Rules in force ask for them.
    pub asked: BTreeSet<String>,
    /// There were messages to look at.
    pub any: bool,
}

/// An attribute that no message has had lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    pub name: String,
    /// What was probably meant.
    pub meant: Option<String>,
}

impl Known {
    /// What of a filter none of the messages has had. While there were no messages nothing is strange.
    pub fn strangers(&self, filter: &Filter) -> Vec<Stranger> {
        let names: Vec<_> = self.had.iter().chain(&self.asked).map(String::as_str).collect();
        let stranger = |name: &str| Stranger {
            name: name.to_owned(),
            meant: meant(name, names.iter().copied().filter(|known| *known != name)).map(str::to_owned),
        };
        let asked = filter.attributes().into_iter().filter(|name| self.any && !self.had.contains(*name));
        asked.map(stranger).collect()
    }
}

/// What is known of messages' attributes.
pub async fn known(s: &Services, caller: &Caller) -> Result<Known> {
    caller.require(Permission::RoutingView)?;
    let first = MessageId::first_at(hindsight::since(s));
    let all = store::count(&s.db, first).await?;
    let every = all.unsigned_abs().div_ceil(MOST.unsigned_abs()).max(1);
    let ids = store::sample(&s.db, first, every.cast_signed(), MOST).await?;
    let had = store::attributes(&s.db, &ids).await?.into_iter().flatten().map(|(name, _)| name).collect();
    let rules = routing::find(&s.db, None).await?.map(|row| row.rules.0).unwrap_or_default();
    let asked = rules.iter().flat_map(filters).flat_map(Filter::attributes).map(str::to_owned).collect();
    Ok(Known { had, asked, any: !ids.is_empty() })
}

fn filters(rule: &Rule) -> impl Iterator<Item = &Filter> {
    [Some(&rule.when), rule.unless.as_ref()].into_iter().flatten().filter_map(|asks| asks.attributes.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_message_has_is_told_with_what_was_meant() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        let known = Known { had: names(&["level", "week"]), asked: names(&["campus"]), any: true };
        let filter =
            Filter::parse("levle = 'x' and week >= 3 and campsu = 'y' and 宿舍 = 1 and campus = 'z'")
                .unwrap();
        let told: Vec<_> =
            known.strangers(&filter).into_iter().map(|it| (it.name, it.meant.unwrap_or_default())).collect();
        let pair = |name: &str, meant: &str| (name.to_owned(), meant.to_owned());
        assert_eq!(
            told,
            [pair("campsu", "campus"), pair("campus", ""), pair("levle", "level"), pair("宿舍", "")],
            "what only rules ask for is no help to a message"
        );
        assert_eq!(Known { any: false, ..known }.strangers(&filter), [], "nobody has sent anything yet");
    }
}
