use belltower::clock::Timestamp;
use belltower::domain::id::SourceId;
use belltower::domain::template::TemplateInput;
use belltower::store::Db;
use belltower::store::messages::NewMessage;
use belltower::store::templates::{find, insert, list, lock, usages, uses, versions};
use serde_json::json;

use super::messages::{self, message};

use crate::support::on_both;

fn template(slug: &str, title: &str) -> TemplateInput {
    let body = json!({"name": "到期", "title": title, "body": "{{ due }}", "variants": {"sms": {"body": "短"}}, "samples": {"due": "周五"}});
    TemplateInput::read(slug, &body).unwrap()
}

async fn keep(db: &Db, template: &TemplateInput, version: i64) {
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, template, version, "王敏", Timestamp(version)).await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(who_named_a_template_is_found, |db| async {
    messages::sources(&db).await;
    let of = |id, source, template: &str| NewMessage {
        source: Some(SourceId(source)),
        template: Some(template.to_owned()),
        ..message(id)
    };
    messages::keep(
        &db,
        &[of(10, 1, "due"), of(20, 1, "due"), of(30, 2, "due"), of(40, 2, "exam"), message(50)],
    )
    .await;
    let found = uses(&db, "due", Timestamp(0)).await.unwrap();
    let found: Vec<_> = found.iter().map(|row| (row.messages, row.last_at)).collect();
    assert_eq!(found, [(1, Timestamp(30)), (2, Timestamp(20))], "the latest first");
    assert_eq!(uses(&db, "due", Timestamp(20)).await.unwrap().len(), 2);
    assert_eq!(uses(&db, "due", Timestamp(21)).await.unwrap().len(), 1);
    assert!(uses(&db, "dues", Timestamp(0)).await.unwrap().is_empty());
});

on_both!(how_much_each_template_is_used_is_counted, |db| async {
    messages::sources(&db).await;
    for slug in ["due", "exam", "idle"] {
        keep(&db, &template(slug, "一"), 1).await;
    }
    keep(&db, &template("due", "二"), 2).await;
    let of = |id, template: &str, department: Option<&str>| NewMessage {
        template: Some(template.to_owned()),
        department: department.map(str::to_owned),
        ..message(id)
    };
    let library = Some("图书馆");
    let all = [
        of(10, "due", library),
        of(20, "due", library),
        of(30, "due", None),
        of(40, "exam", Some("教务处")),
        message(50),
    ];
    messages::keep(&db, &all).await;
    let told = async |since: (i64, i64), departments: Option<&[&str]>, most| {
        let departments: Option<Vec<String>> =
            departments.map(|all| all.iter().map(|one| (*one).to_owned()).collect());
        let since = (Timestamp(since.0), Timestamp(since.1));
        let rows = usages(&db, since, departments.as_deref(), most).await.unwrap();
        let told = rows.into_iter().map(|row| (row.slug, row.last_at.map(|at| at.0), row.messages));
        told.collect::<Vec<_>>()
    };
    let line = |slug: &str, last: Option<i64>, messages| (slug.to_owned(), last, messages);
    let everywhere = told((0, 20), None, 9).await;
    assert_eq!(everywhere, [line("due", Some(30), 2), line("exam", Some(40), 1), line("idle", None, 0)]);
    let theirs = told((0, 0), Some(&["图书馆"]), 9).await;
    assert_eq!(theirs, [line("due", Some(20), 2), line("exam", None, 0), line("idle", None, 0)]);
    assert!(
        told((0, 0), Some(&[]), 9).await.iter().all(|(_, last, messages)| last.is_none() && *messages == 0)
    );
    assert_eq!(told((31, 31), None, 9).await[0], line("due", None, 0), "too long ago");
    assert_eq!(told((0, 0), None, 2).await[0], line("due", Some(30), 2), "counted no further");
});

on_both!(the_latest_version_is_in_use_and_the_others_stay, |db| async {
    keep(&db, &template("due", "一"), 1).await;
    keep(&db, &template("due", "二"), 2).await;
    keep(&db, &template("exam", "三"), 1).await;
    let latest = find(&db, "due", None).await.unwrap().unwrap();
    assert_eq!((latest.version, latest.created_at), (2, Timestamp(2)));
    assert_eq!(latest.content.0, template("due", "二").content);
    assert_eq!((latest.name.as_str(), latest.created_by.as_str()), ("到期", "王敏"));
    let first = find(&db, "due", Some(1)).await.unwrap().unwrap();
    assert_eq!(first.content.0.title, "一");
    assert!(find(&db, "due", Some(3)).await.unwrap().is_none());
    assert!(find(&db, "none", None).await.unwrap().is_none());

    let both: Vec<_> = versions(&db, "due", 10).await.unwrap().iter().map(|t| t.version).collect();
    assert_eq!(both, [2, 1]);
    assert_eq!(versions(&db, "due", 1).await.unwrap().len(), 1);
    assert_eq!(latest.samples.0["due"], json!("周五"));

    let mut tx = db.begin().await.unwrap();
    assert_eq!(lock(&mut tx, "due").await.unwrap().unwrap().version, 2);
    assert!(lock(&mut tx, "none").await.unwrap().is_none());
    drop(tx);

    let all = list(&db, None, 10).await.unwrap();
    let all: Vec<_> = all.iter().map(|t| (t.slug.as_str(), t.version)).collect();
    assert_eq!(all, [("due", 2), ("exam", 1)]);
    assert_eq!(list(&db, Some("due"), 10).await.unwrap().len(), 1);
    assert_eq!(list(&db, None, 1).await.unwrap().len(), 1);
});
