//! People in lists: the directory with its filters, and the members of a group.

use askama::Template;
use serde::Deserialize;

use super::coverage::CoverageFragment;
use super::label::Tone;
use super::page::{Shell, Theme, address};
use super::view::View;
use crate::domain::channel::ChannelKind;
use crate::domain::id::RecipientId;
use crate::service::recipients::{ListFilter, Recipient};

const PATH: &str = "/console/people";

/// The filters as they stand in the address; what is not set is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PeopleFilter {
    pub q: String,
    pub department: String,
    /// `active` or `inactive`.
    pub state: String,
    pub cursor: String,
}

impl PeopleFilter {
    pub(super) fn is_set(&self) -> bool {
        [&self.q, &self.department, &self.state].iter().any(|value| !value.is_empty())
    }

    /// The address of the list from there on.
    pub(super) fn address(&self, cursor: &str) -> String {
        let Self { q, department, state, cursor: _ } = self;
        address(PATH, &[("q", q), ("department", department), ("state", state), ("cursor", cursor)])
    }

    /// What to ask for; nothing where a filter has a value that nothing matches.
    pub(super) fn query(&self) -> Option<ListFilter> {
        let active = match self.state.as_str() {
            "" => None,
            "active" => Some(true),
            "inactive" => Some(false),
            _ => return None,
        };
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Some(ListFilter { q: given(&self.q), department: given(&self.department), active, group: None })
    }
}

#[derive(Debug, Template)]
#[template(path = "console/people.html")]
pub struct PeoplePage {
    pub shell: Shell,
    pub filter: PeopleFilter,
    pub may_edit: bool,
    /// Of everybody; left out where only some are looked at.
    pub coverage: Option<CoverageFragment>,
    pub list: PeopleFragment,
}

/// People with addresses masked, and the way to the next ones.
#[derive(Debug, Template)]
#[template(path = "console/people_list.html")]
pub struct PeopleFragment {
    pub view: View,
    pub rows: Vec<PersonRow>,
    /// Filters are set, so an empty list does not mean that there is nobody.
    pub filtered: bool,
    /// Where a form takes somebody out of this list.
    pub remove_from: Option<String>,
    /// All are of one group, so an empty list says so.
    pub of_group: bool,
    /// The filters with which it may be taken along.
    pub export: Option<PeopleFilter>,
    /// Link to the first page, from later ones.
    pub first: Option<String>,
    pub next: Option<String>,
}

#[derive(Clone, Debug)]
pub struct PersonRow {
    pub id: RecipientId,
    pub campus_id: String,
    pub name: String,
    pub department: String,
    /// E-mail and mobile, masked.
    pub addresses: Vec<String>,
    /// They have an account there, whose name would say nothing.
    pub wechat: bool,
    pub active: bool,
}

impl From<Recipient> for PersonRow {
    fn from(it: Recipient) -> Self {
        let person = it.person;
        let addresses = [person.email, person.mobile];
        Self {
            id: it.id,
            campus_id: person.campus_id,
            name: person.name,
            department: person.department.unwrap_or_default(),
            addresses: addresses.into_iter().flatten().collect(),
            wechat: person.wecom_userid.or(person.wechat_openid).is_some(),
            active: it.active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_stay_in_the_address() {
        let filter =
            PeopleFilter { q: "李".to_owned(), state: "inactive".to_owned(), ..PeopleFilter::default() };
        assert_eq!(filter.address("rcp_x"), "/console/people?q=%E6%9D%8E&state=inactive&cursor=rcp_x");
        let query = filter.query().unwrap();
        assert_eq!((query.q.as_deref(), query.department, query.active), (Some("李"), None, Some(false)));
        assert!(PeopleFilter { state: "asleep".to_owned(), ..filter }.query().is_none());
    }
}
