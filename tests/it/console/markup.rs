//! What holds for every page, whatever is on it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use belltower::config::Language;
use belltower::console::page::Theme;

use super::samples;

/// The values of an attribute, in the order of the markup.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let opening = format!(" {attribute}=\"");
    html.split(opening.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The opening tags of an element.
fn tags<'a>(html: &'a str, element: &str) -> Vec<&'a str> {
    let opening = format!("<{element} ");
    html.split(opening.as_str()).skip(1).filter_map(|rest| rest.split('>').next()).collect()
}

fn each_page(check: impl Fn(&str, &str)) {
    for language in Language::ALL {
        for (name, html) in samples::all(language, Theme::Auto) {
            check(&format!("{name} ({})", language.as_str()), &html);
        }
    }
}

#[test]
fn nothing_needs_an_exception_from_the_content_security_policy() {
    each_page(|page, html| {
        assert!(values(html, "style").is_empty(), "{page}: style attributes");
        assert!(!html.contains("<style"), "{page}: an inline style sheet");
        assert!(!html.contains("javascript:") && !html.contains("js:"), "{page}: script in an attribute");
        for script in html.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/"), "{page}: an inline script");
        }
        for handler in ["onclick", "onchange", "onsubmit", "onload", "hx-on"] {
            assert!(!html.contains(&format!(" {handler}")), "{page}: {handler}");
        }
        let triggers = values(html, "hx-trigger");
        assert!(triggers.iter().all(|t| !t.contains('[')), "{page}: htmx evaluates filters in triggers");
    });
}

#[test]
fn ids_are_unique_and_every_reference_finds_one() {
    each_page(|page, html| {
        let ids = values(html, "id");
        let known: HashSet<_> = ids.iter().copied().collect();
        for id in &known {
            assert_eq!(ids.iter().filter(|i| *i == id).count(), 1, "{page}: id `{id}` twice");
        }
        for attribute in ["for", "aria-labelledby", "aria-describedby", "popovertarget"] {
            for id in values(html, attribute).into_iter().flat_map(str::split_whitespace) {
                assert!(known.contains(id), "{page}: {attribute} names `{id}`, which is not there");
            }
        }
        for attribute in ["hx-target", "data-copy"] {
            for id in values(html, attribute) {
                assert!(known.contains(id.trim_start_matches('#')), "{page}: {attribute} names `{id}`");
            }
        }
    });
}

#[test]
fn inputs_have_labels_and_forms_that_write_carry_the_token() {
    each_page(|page, html| {
        let labelled: HashSet<_> = values(html, "for").into_iter().collect();
        for element in ["input", "select", "textarea"] {
            for tag in tags(html, element) {
                let tag = format!(" {tag}");
                let hidden = tag.contains("type=\"hidden\"");
                let within_label = tag.contains("type=\"checkbox\"");
                let by_id = values(&tag, "id").first().is_some_and(|id| labelled.contains(id));
                assert!(hidden || within_label || by_id, "{page}: no label for <{element}{tag}>");
            }
        }
        for form in html.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap_or_default();
            let writes = form.split('>').next().unwrap_or_default().contains("method=\"post\"");
            assert!(
                !writes || form.contains("name=\"csrf\" value=\"a-token\""),
                "{page}: a form without its token"
            );
        }
    });
}

#[test]
fn assets_and_icons_exist() {
    let sprite = fs::read_to_string("static/img/icons.svg").unwrap();
    let drawn: HashSet<_> = values(&sprite, "id").into_iter().collect();
    each_page(|page, html| {
        for url in [values(html, "href"), values(html, "src")].concat() {
            let Some(name) = url.strip_prefix("/assets/") else { continue };
            let hash = name.split('#').next().and_then(|file| file.rsplit('.').nth(1)).unwrap_or_default();
            assert!(
                hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()),
                "{page}: {url} is no asset"
            );
            if let Some((_, icon)) = name.split_once('#') {
                assert!(drawn.contains(icon), "{page}: no icon `{icon}`");
            }
        }
    });
}

/// Writes the pages where they can be opened in a browser: `$CARGO_TARGET_TMPDIR/console`.
#[test]
fn the_pages_can_be_looked_at() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    for language in Language::ALL {
        for theme in [Theme::Light, Theme::Dark] {
            let folder = folder.join(format!("{}-{}", language.as_str(), theme.name()));
            fs::create_dir_all(&folder).unwrap();
            for (name, html) in samples::all(language, theme) {
                assert!(html.starts_with("<!doctype html>"), "{name}");
                fs::write(folder.join(format!("{name}.html")), html).unwrap();
            }
        }
    }
}
