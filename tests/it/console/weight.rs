//! A page weighs little the first time it is opened.

use std::collections::BTreeSet;

use belltower::domain::operator::Role;

use super::browser::Browser;
use crate::support::app::TestApp;

/// Of a page with its styles, scripts and icons, as they are sent.
const MOST: usize = 300 * 1024;

/// What a page loads by itself.
fn loaded(page: &str) -> BTreeSet<String> {
    let attributes = page
        .split(['<', '>'])
        .filter(|tag| ["link ", "script ", "img ", "use "].iter().any(|t| tag.starts_with(t)));
    let sources = attributes.flat_map(|tag| {
        ["href=\"", "src=\""].into_iter().filter_map(move |name| tag.split(name).nth(1)?.split('"').next())
    });
    sources
        .map(|path| path.split('#').next().unwrap().to_owned())
        .filter(|path| path.starts_with('/'))
        .collect()
}

#[tokio::test]
async fn the_first_load_of_a_page_is_light() {
    let app = TestApp::start().await;
    let browser = Browser::signed_in(&app, Role::Owner).await;
    let pages = [
        "/sign-in",
        "/console",
        "/console/messages",
        "/console/held",
        "/console/attention",
        "/console/people",
        "/console/people/new",
        "/console/people/import",
        "/console/groups",
        "/console/groups/new",
        "/console/suppression",
        "/console/rules",
        "/console/rules/new",
        "/console/rules/simulator",
        "/console/sources",
        "/console/sources/new",
        "/console/providers",
        "/console/providers/new?channel=sms&kind=http_sms",
        "/console/audit",
        "/console/design",
    ];
    let mut heavy = Vec::new();
    for path in pages {
        let mut browser = if path == "/sign-in" { Browser::new(&app) } else { browser.clone() };
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let assets = loaded(&page.text);
        assert!(assets.iter().any(|asset| asset.contains("htmx")), "{path}: {assets:?}");
        let mut weight = page.text.len();
        for asset in assets {
            weight += browser.get(&asset).await.text.len();
        }
        if weight > MOST {
            heavy.push((path, weight));
        }
    }
    assert_eq!(heavy, []);
}
