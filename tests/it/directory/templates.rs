//! Stored texts.

use belltower::Error;
use belltower::domain::operator::Role;
use belltower::service::{Change, templates};
use serde_json::{Value, json};

use super::{acts, faults, key, pair, registry};
use crate::support::{on_both, operator, services};

on_both!(templates_have_versions, |db| async {
    let s = services(db);
    let manager = operator(Role::MessageManager);
    let body = |title: &str| json!({"name": "到期", "title": title, "body": "{{ book }}{% if fine is defined %} {{ fine }}{% endif %}"});
    let (change, first) = templates::put(&s, &manager, "due", &body("一")).await.unwrap();
    assert_eq!((change, first.version), (Change::Created, 1));
    assert!(first.required.iter().eq(["book"]) && first.optional.iter().eq(["fine"]));
    assert_eq!(
        templates::put(&s, &manager, "due", &body("一")).await.unwrap(),
        (Change::Unchanged, first.clone())
    );
    let (change, second) = templates::put(&s, &manager, "due", &body("二")).await.unwrap();
    assert_eq!((change, second.version), (Change::Updated, 2));
    assert_eq!(second.created_by, manager.label());

    let any_key = key(&[]);
    assert_eq!(templates::get(&s, &any_key, "due", None).await.unwrap(), second);
    assert_eq!(templates::get(&s, &any_key, "due", Some(1)).await.unwrap(), first);
    assert_eq!(templates::list(&s, &any_key, None, 9).await.unwrap(), [second]);
    assert!(matches!(templates::get(&s, &any_key, "none", None).await, Err(Error::NotFound("template"))));
    for caller in [registry(), operator(Role::Sender)] {
        let refused = templates::put(&s, &caller, "due", &body("三")).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
    }
    assert_eq!(
        faults(templates::put(&s, &manager, "due", &json!({"name": "x", "title": "{{", "body": ""})).await),
        [pair("/body", "required"), pair("/title", "template_syntax")]
    );
    assert_eq!(acts(&s).await, ["template.create", "template.update"]);
});

on_both!(a_document_of_templates_is_taken_as_a_whole, |db| async {
    let s = services(db);
    let manager = operator(Role::MessageManager);
    let one = |slug: &str, body: &str| json!({"slug": slug, "name": slug, "title": "t", "body": body});
    let apply = async |list: Value| templates::apply(&s, &manager, &json!({ "templates": list })).await;
    let told = |kept: Vec<(Change, templates::Template)>| {
        kept.into_iter().map(|(change, one)| (one.slug, change, one.version)).collect::<Vec<_>>()
    };
    let kept = told(apply(json!([one("a", "1"), one("b", "1")])).await.unwrap());
    assert_eq!(kept, [("a".to_owned(), Change::Created, 1), ("b".to_owned(), Change::Created, 1)]);
    let refused = apply(json!([one("a", "2"), one("c", "{{")])).await;
    assert_eq!(faults(refused), [pair("/templates/1/body", "template_syntax")]);
    let kept = told(apply(json!([one("c", "1"), one("b", "2"), one("a", "1")])).await.unwrap());
    assert_eq!(
        kept,
        [
            ("c".to_owned(), Change::Created, 1),
            ("b".to_owned(), Change::Updated, 2),
            ("a".to_owned(), Change::Unchanged, 1),
        ]
    );
    for caller in [registry(), operator(Role::Sender)] {
        let refused = templates::apply(&s, &caller, &one("a", "3")).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
    }
    let acts = acts(&s).await;
    assert_eq!(acts, ["template.create", "template.create", "template.create", "template.update"]);
});
