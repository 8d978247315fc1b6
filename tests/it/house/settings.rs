//! Every kind of provider says what a form is to ask for, and all of it.

use std::collections::BTreeSet;

use belltower::channel::Peers;
use belltower::channel::registry::{self, Site};
use belltower::channel::setting::{Holds, Setting};
use belltower::clock::Clock;
use belltower::domain::provider::ProviderKind;
use serde_json::{Map, Value, json};

use super::assert_none;

/// A name that no setting has, nor one like it.
const NOBODY: &str = "0";

/// What an adapter reads below a place in its settings: it says so of a name that it does not know.
fn read(kind: ProviderKind, outer: Option<&str>) -> BTreeSet<String> {
    let site = Site {
        campus: "Bell".into(),
        public_url: "https://bell.example".parse().unwrap(),
        clock: Clock::System,
        bounce_key: [0; 32],
        peers: Peers::default(),
    };
    let unknown = json!({ NOBODY: 1 });
    let (settings, pointer) = match outer {
        None => (unknown, format!("/{NOBODY}")),
        Some(outer) => {
            (Value::Object(Map::from_iter([(outer.to_owned(), unknown)])), format!("/{outer}/{NOBODY}"))
        }
    };
    let faults = registry::build(kind, &settings, &site).err().unwrap_or_default();
    let fault = faults.iter().find(|fault| fault.pointer == pointer);
    let told = fault.and_then(|fault| fault.detail.split_once("; there are "));
    let (_, names) = told.unwrap_or_else(|| panic!("{kind}: an unknown name is not told at {pointer}"));
    names.split(", ").map(str::to_owned).collect()
}

/// What a table asks for below that place.
fn asked(kind: ProviderKind, outer: Option<&str>) -> BTreeSet<String> {
    let below = |setting: &'static Setting| {
        let mut parts = setting.pointer.trim_start_matches('/').splitn(2, '/');
        let first = parts.next()?;
        match outer {
            None => Some(first.to_owned()),
            Some(outer) => parts.next().filter(|_| first == outer).map(str::to_owned),
        }
    };
    let own = registry::settings(kind).filter(|setting| !registry::COMMON.contains(setting));
    own.filter_map(below).collect()
}

#[test]
fn forms_ask_for_all_that_adapters_read() {
    for kind in ProviderKind::ALL {
        assert_eq!(asked(*kind, None), read(*kind, None), "the table of {kind}'s settings");
        let groups =
            registry::settings(*kind).filter_map(|s| s.pointer[1..].split_once('/').map(|(outer, _)| outer));
        for outer in groups.collect::<BTreeSet<_>>() {
            assert_eq!(asked(*kind, Some(outer)), read(*kind, Some(outer)), "the table of {kind}'s /{outer}");
        }
    }
}

#[test]
fn what_is_never_shown_again_is_entered_as_a_secret() {
    let mut broken = Vec::new();
    for kind in ProviderKind::ALL {
        for pointer in registry::secrets(*kind) {
            let setting = registry::settings(*kind).find(|setting| setting.pointer == *pointer);
            if !setting.is_some_and(|setting| setting.is_secret() || matches!(setting.holds, Holds::Json(_)))
            {
                broken.push(format!("{kind}: {pointer}"));
            }
        }
        for setting in registry::settings(*kind).filter(|setting| setting.is_secret()) {
            if !registry::secrets(*kind).contains(&setting.pointer) {
                broken.push(format!("{kind}: {} is shown", setting.pointer));
            }
        }
    }
    assert_none("secrets in one of the two tables only:", &broken);
}

#[test]
fn samples_are_json() {
    for setting in ProviderKind::ALL.iter().flat_map(|kind| registry::settings(*kind)) {
        if let Holds::Json(sample) = setting.holds {
            serde_json::from_str::<Value>(sample)
                .unwrap_or_else(|error| panic!("{}: {error}", setting.pointer));
        }
    }
}

/// A kind with secrets says where they go, and which of them stay here.
#[test]
fn what_is_secret_has_a_place_where_it_goes() {
    for kind in ProviderKind::ALL {
        let (secrets, sent) = (registry::secrets(*kind), registry::sent(*kind));
        assert!(sent.iter().all(|pointer| secrets.contains(pointer)), "{kind}");
        let addresses = ["/endpoint", "/host", "/request"];
        let address = registry::settings(*kind).find(|setting| addresses.contains(&setting.pointer));
        assert_eq!(address.is_some(), !secrets.is_empty(), "{kind}");
        let Some(address) = address else { continue };
        let at = |place: &str| match address.pointer {
            "/request" => json!({"request": {"url": format!("https://{place}")}}),
            "/host" => json!({"host": place}),
            _ => json!({"endpoint": format!("https://{place}")}),
        };
        assert!(!sent.is_empty(), "{kind}");
        let places = |place| registry::places(*kind, &at(place));
        assert!(!places("a.example").is_empty(), "{kind}");
        assert_ne!(places("a.example"), places("b.example"), "{kind}");
    }
}
