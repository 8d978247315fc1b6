//! What a new version of a template does to the providers' mappings of it.

use std::collections::BTreeSet;

use crate::Result;
use crate::channel::registry::{self, Mapped};
use crate::domain::content::{Content, Escape, Template, Variables};
use crate::domain::template::BrokenMapping;
use crate::service::Services;
use crate::service::providers::open_settings;
use crate::store::Tx;
use crate::store::providers;

/// Whose mappings of a template its new content breaks, of providers in use or not. Whoever holds the template's lock reads
/// what nobody changes meanwhile from here.
pub(in crate::service) async fn broken(
    s: &Services,
    tx: &mut Tx,
    slug: &str,
    (before, after): (&Content, &Content),
) -> Result<Vec<BrokenMapping>> {
    let (old, new) = (before.variables().unwrap_or_default(), after.variables().unwrap_or_default());
    let mut found = Vec::new();
    for row in providers::list_within(tx).await? {
        // What does not open sends nothing either.
        let Ok(settings) = open_settings(s, &row) else { continue };
        let Some(mapped) = registry::mapped(&settings).into_iter().find(|mapped| mapped.slug == slug) else {
            continue;
        };
        let whole = BrokenMapping::of(row.id, row.name, mapped.id.clone());
        let one = held(whole, &mapped, (&old, &new), after);
        if !one.is_whole() {
            found.push(one);
        }
    }
    Ok(found)
}

/// One mapping against the variables of before and after.
fn held(
    mut broken: BrokenMapping,
    mapped: &Mapped,
    (before, after): (&Variables, &Variables),
    content: &Content,
) -> BrokenMapping {
    let used: BTreeSet<&str> = mapped.variables.iter().map(|(_, name)| &**name).collect();
    for name in &used {
        let needed = |variables: &Variables| variables.needed().any(|known| known == *name);
        if before.all.contains(*name) && !after.all.contains(*name) {
            broken.gone.push((*name).to_owned());
        } else if needed(before) && !needed(after) {
            broken.unsure.push((*name).to_owned());
        }
    }
    // Cards with buttons of their own say the text themselves.
    if !mapped.id.is_empty() {
        let sources: Vec<&str> =
            used.iter().copied().chain(mapped.words.iter().map(|word| &**word)).collect();
        let said = said(content, &sources);
        let is_new = |name: &&String| !before.all.contains(*name) && !said.contains(*name);
        broken.unsaid = after.all.iter().filter(is_new).cloned().collect();
    }
    broken
}

/// Variables of a template that a vendor's one says which is filled with these: themselves, or a text that says them.
pub(super) fn said(content: &Content, sources: &[&str]) -> BTreeSet<String> {
    let mut said: BTreeSet<String> = sources.iter().map(|source| (*source).to_owned()).collect();
    let all = content.variables().unwrap_or_default().all;
    let of_title: BTreeSet<String> = Template::parse(&content.title, Escape::None)
        .map(|title| title.variables().all.clone())
        .unwrap_or_default();
    if sources.contains(&"body") || sources.contains(&"text") {
        said.extend(all);
    } else if sources.contains(&"title") {
        said.extend(of_title);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ProviderId;

    fn content(title: &str, body: &str) -> Content {
        Content { title: title.to_owned(), body: body.to_owned(), ..Content::default() }
    }

    fn against(
        sources: &[&str],
        before: &Content,
        after: &Content,
    ) -> (Vec<String>, Vec<String>, Vec<String>) {
        let settings =
            serde_json::json!({ "templates": { "due": { "code": "SMS_1", "variables": sources } } });
        let mapped = registry::mapped(&settings).remove(0);
        let variables = |content: &Content| content.variables().unwrap();
        let whole = BrokenMapping::of(ProviderId(1), String::new(), mapped.id.clone());
        let broken = held(whole, &mapped, (&variables(before), &variables(after)), after);
        (broken.gone, broken.unsure, broken.unsaid)
    }

    #[test]
    fn what_a_mapping_uses_must_stay() {
        let before = content("{{ book }}", "{{ day }}");
        let none = Vec::<String>::new;
        assert_eq!(against(&["book", "day"], &before, &before), (none(), none(), none()));
        let renamed = content("{{ book }}", "{{ date }}");
        let told = against(&["book", "day"], &before, &renamed);
        assert_eq!(told, (vec!["day".to_owned()], none(), vec!["date".to_owned()]));
        let optional = content("{{ book }}", "{{ day | default('') }}");
        assert_eq!(against(&["book", "day"], &before, &optional), (none(), vec!["day".to_owned()], none()));
        assert_eq!(against(&["book"], &before, &optional), (none(), none(), none()), "it uses none of it");
    }

    #[test]
    fn what_is_new_is_said_by_itself_or_by_the_text_it_stands_in() {
        let before = content("到期", "请归还");
        let after = content("{{ book }}到期", "请于{{ day }}归还");
        let unsaid = |sources: &[&str]| against(sources, &before, &after).2;
        assert_eq!(unsaid(&["page_code"]), ["book", "day"]);
        assert_eq!(unsaid(&["title"]), ["day"]);
        assert!(unsaid(&["text"]).is_empty() && unsaid(&["body"]).is_empty());
    }
}
