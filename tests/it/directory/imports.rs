//! The directory from a file.

use belltower::Error;
use belltower::service::recipients::{Format, Import, ImportOptions, ImportReport};
use belltower::service::{Services, recipients};
use belltower::store::audience;
use serde_json::json;

use super::{faults, pair, put, registry};
use crate::support::{on_both, services};

/// Imports a text in pieces of `size` bytes.
async fn import_in(
    s: &Services,
    options: ImportOptions,
    text: &str,
    size: usize,
) -> Result<ImportReport, Error> {
    let mut import = Import::start(s, &registry(), Format::Ndjson, options).unwrap();
    for piece in text.as_bytes().chunks(size) {
        import.feed(piece).await?;
    }
    import.finish().await
}

async fn import(s: &Services, options: ImportOptions, text: &str) -> ImportReport {
    import_in(s, options, text, 1_000).await.unwrap()
}

fn plain() -> ImportOptions {
    ImportOptions::default()
}

fn replacing() -> ImportOptions {
    ImportOptions { deactivate_missing: true, ..ImportOptions::default() }
}

fn lines(of: impl IntoIterator<Item = usize>) -> String {
    of.into_iter()
        .map(|n| format!("{{\"campus_id\":\"p{n}\",\"name\":\"人员{n}\",\"year\":{n}}}\n"))
        .collect()
}

/// Created, updated, unchanged, deactivated, rejected.
fn counts(report: &ImportReport) -> [u64; 5] {
    [report.created, report.updated, report.unchanged, report.deactivated, report.rejected_lines]
}

async fn active(s: &Services) -> i64 {
    let everyone = audience::ResolvedAudience { everyone: true, ..Default::default() };
    audience::count(&s.db, &everyone).await.unwrap()
}

on_both!(an_import_counts_what_it_did, |db| async {
    let s = services(db);
    put(&s, "p3", json!({"name": "人员3", "attributes": {"year": 3}})).await;
    put(&s, "p4", json!({"name": "old"})).await;
    let report = import(&s, plain(), &lines(1..=2_500)).await;
    assert_eq!(counts(&report), [2_498, 1, 1, 0, 0]);
    assert!(report.complete && !report.dry_run);
    assert_eq!(counts(&import(&s, plain(), &lines(1..=2_500)).await), [0, 0, 2_500, 0, 0]);
    let p7 = recipients::get(&s, &registry(), "p7").await.unwrap();
    assert_eq!((p7.person.name.as_str(), &p7.person.attributes["year"]), ("人员7", &json!(7)));
});

on_both!(bad_lines_are_told_and_good_ones_kept, |db| async {
    let s = services(db);
    let long = "x".repeat(70_000);
    let text = format!(
        "\u{feff}{{\"campus_id\": \"1\", \"name\": \"一\"}}\r\n\
         \n\
         {{\"campus_id\": \"2\", \"name\": \"\", \"email\": \"no\", \"role\": [1]}}\n\
         not json\n\
         [1, 2]\n\
         {{\"campus_id\": \"3\", \"name\": \"{long}\"}}\n\
         {{\"campus_id\": \"1\", \"name\": \"again\"}}\n\
         {{\"campus_id\": \"4\", \"name\": \"四\"}}"
    );
    let report = import_in(&s, plain(), &text, 7).await.unwrap();
    assert_eq!(counts(&report), [2, 0, 0, 0, 5]);
    let mut rejected: Vec<_> = report
        .rejected
        .iter()
        .map(|r| (r.line, r.column.as_deref().unwrap_or("-"), &*r.code, r.value.as_deref().unwrap_or("-")))
        .collect();
    rejected.sort_unstable();
    assert_eq!(
        rejected,
        [
            (3, "email", "bad_address", "no"),
            (3, "name", "required", ""),
            (3, "role", "not_flat", "[1]"),
            (4, "-", "malformed", "not json"),
            (5, "-", "not_an_object", "[1,2]"),
            (6, "-", "too_long", "-"),
            (7, "campus_id", "duplicate", "1"),
        ]
    );
    assert_eq!(
        recipients::get(&s, &registry(), "1").await.unwrap().person.name,
        "一",
        "the first line is kept"
    );
    recipients::get(&s, &registry(), "4").await.unwrap();

    let latin1 = [b"{\"campus_id\":\"5\",\"name\":\"Jos\xe9\"}\n".as_slice(), lines([6]).as_bytes()].concat();
    let mut import = Import::start(&s, &registry(), Format::Ndjson, plain()).unwrap();
    import.feed(&latin1).await.unwrap();
    let report = import.finish().await.unwrap();
    assert_eq!((counts(&report), &*report.rejected[0].code), ([1, 0, 0, 0, 1], "encoding"));
});

on_both!(the_list_of_faults_has_an_end, |db| async {
    let s = services(db);
    let report = import(&s, plain(), &"{}\n".repeat(3_000)).await;
    assert_eq!(
        (report.rejected_lines, report.rejected.len(), report.rejected_unlisted),
        (3_000, 1_000, 5_000),
        "each line lacks campus id and name"
    );
});

on_both!(a_dry_run_says_the_same_and_keeps_nothing, |db| async {
    let s = services(db);
    put(&s, "p3", json!({"name": "人员3", "attributes": {"year": 3}})).await;
    put(&s, "gone", json!({"name": "x"})).await;
    let text = lines((1..=1_500).chain([1_500]));
    let dry = import(&s, ImportOptions { dry_run: true, ..replacing() }, &text).await;
    assert_eq!(counts(&dry), [1_499, 0, 1, 1, 1]);
    assert!(dry.dry_run);
    assert_eq!(active(&s).await, 2);
    let wet = import(&s, replacing(), &text).await;
    assert_eq!(counts(&wet), counts(&dry));
    assert_eq!(wet.rejected, dry.rejected);
    assert_eq!(active(&s).await, 1_500);
});

on_both!(only_who_is_in_no_line_becomes_inactive, |db| async {
    let s = services(db);
    import(&s, plain(), &lines(1..=6)).await;
    let text = lines(1..=3) + "{\"campus_id\":\"p4\",\"name\":\"\"}\n";
    assert_eq!(counts(&import(&s, replacing(), &text).await), [0, 0, 3, 2, 1]);
    assert_eq!(active(&s).await, 4, "a person whose line is wrong is not missing");
    assert!(!recipients::get(&s, &registry(), "p5").await.unwrap().active);
    assert_eq!(counts(&import(&s, plain(), &lines([5])).await), [0, 1, 0, 0, 0], "and comes back");

    for doubtful in ["{\"name\":\"x\"}\n", "not json\n", "{\"campus_id\":\"p 5\",\"name\":\"x\"}\n"] {
        let report = import(&s, replacing(), &(lines(1..=2) + doubtful)).await;
        assert_eq!(counts(&report), [0, 0, 2, 0, 1], "{doubtful}");
        assert!(report.not_deactivated.unwrap().contains("line 3"), "it may be about anybody: {doubtful}");
    }

    for nothing in ["", "\n\n", "campus_id,name\np1,x\n", "{\"campus_id\":\"p9\"}\n"] {
        let refused = faults(import_in(&s, replacing(), nothing, 100).await);
        assert_eq!(refused[0], pair("", "nothing_valid"), "{nothing:?}");
    }
    assert_eq!(active(&s).await, 5);
});

on_both!(an_import_that_breaks_off_keeps_its_good_lines, |db| async {
    let s = services(db);
    put(&s, "gone", json!({"name": "x"})).await;
    let mut import = Import::start(&s, &registry(), Format::Ndjson, replacing()).unwrap();
    let text = lines(1..=1_200);
    import.feed(&text.as_bytes()[..text.len() - 5]).await.unwrap();
    let report = import.interrupt().await.unwrap();
    assert!(!report.complete);
    assert_eq!(counts(&report), [1_199, 0, 0, 0, 0], "half a line is no line");
    assert_eq!(active(&s).await, 1_200, "nobody is missing from half a file");
    assert!(recipients::get(&s, &registry(), "gone").await.unwrap().active);

    // A connection that is gone may take the import with it: whole batches are kept already.
    let mut dropped = Import::start(&s, &registry(), Format::Ndjson, plain()).unwrap();
    dropped.feed(lines(2_001..=3_500).as_bytes()).await.unwrap();
    drop(dropped);
    assert_eq!(active(&s).await, 2_200);
});
