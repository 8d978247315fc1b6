//! `kill -9` in the middle of an import.

use std::process::Stdio;

use belltower::store::Db;
use belltower::store::audience::{ResolvedAudience, count};
use belltower::store::recipients::{RecipientFilter, list};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::support::on_both_urls;
use crate::support::process::Installation;

const PEOPLE: usize = 3_400;
/// Lines the import gets to see, the last of them only by half.
const SEEN: usize = 2_600;
/// Of these, whole batches.
const KEPT: i64 = 2_000;

fn line(n: usize) -> String {
    let person = json!({
        "campus_id": format!("p{n:05}"), "name": format!("人员{n}"), "email": format!("p{n}@stu.bell.example"),
        "department": "农学院", "attributes": {"role": "student", "dorm": format!("3-{n}")},
    });
    format!("{person}\n")
}

async fn people(db: &Db) -> i64 {
    count(db, &ResolvedAudience { everyone: true, ..ResolvedAudience::default() }).await.unwrap()
}

on_both_urls!(an_import_that_is_killed_keeps_whole_lines_and_can_be_repeated, |url| async {
    let here = Installation::new();
    let import = |file: &str| {
        let mut command = here.command(&["--json", "import", "recipients", file]);
        command.env("BELLTOWER_DATABASE", &url).stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    };
    let db = Db::open(&url).await.unwrap();
    let mut child = import("-").spawn().unwrap();
    let mut file = child.stdin.take().unwrap();
    let text: String = (0..SEEN).map(line).collect();
    file.write_all(&text.as_bytes()[..text.len() - 40]).await.unwrap();
    file.flush().await.unwrap();
    while people(&db).await < KEPT {
        tokio::task::yield_now().await;
    }
    child.kill().await.unwrap();
    assert_eq!(people(&db).await, KEPT, "what was not a whole batch is not there");
    let row = list(&db, &RecipientFilter::default(), None, 1).await.unwrap().remove(0);
    assert_eq!(row.person.attributes["dorm"], format!("3-{}", KEPT - 1));
    assert_eq!(row.person.email, Some(format!("p{}@stu.bell.example", KEPT - 1)));

    let whole = here.data().with_file_name("people.ndjson");
    std::fs::write(&whole, (0..PEOPLE).map(line).collect::<String>()).unwrap();
    for (created, unchanged) in [(PEOPLE - KEPT as usize, KEPT as usize), (0, PEOPLE)] {
        let output = import(whole.to_str().unwrap()).output().await.unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&report["created"], &report["unchanged"]),
            (&json!(created), &json!(unchanged)),
            "{report}"
        );
    }
    db.close().await;
});

fn row(n: usize) -> String {
    format!("p{n:05},\"人员\n{n}号\",p{n}@stu.bell.example,人员{n}\n")
}

on_both_urls!(a_table_whose_import_is_killed_keeps_whole_rows_and_can_be_repeated, |url| async {
    let here = Installation::new();
    let import = |file: &str| {
        let mut command = here.command(&["--json", "import", "recipients", file]);
        command.env("BELLTOWER_DATABASE", &url).stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    };
    let text = |rows: usize| format!("学号,备注,邮箱,姓名\n{}", (0..rows).map(row).collect::<String>());
    let db = Db::open(&url).await.unwrap();
    let mut child = import("-").spawn().unwrap();
    let mut file = child.stdin.take().unwrap();
    let seen = encoding_rs::GBK.encode(&text(SEEN)).0.into_owned();
    file.write_all(&seen[..seen.len() - 20]).await.unwrap();
    file.flush().await.unwrap();
    while people(&db).await < KEPT {
        tokio::task::yield_now().await;
    }
    child.kill().await.unwrap();
    assert_eq!(people(&db).await, KEPT, "what was not a whole batch is not there");
    let row = list(&db, &RecipientFilter::default(), None, 1).await.unwrap().remove(0);
    assert_eq!(row.person.attributes["备注"], format!("人员\n{}号", KEPT - 1));

    let whole = here.data().with_file_name("people.csv");
    std::fs::write(&whole, text(PEOPLE)).unwrap();
    for (created, unchanged) in [(PEOPLE - KEPT as usize, KEPT as usize), (0, PEOPLE)] {
        let output = import(whole.to_str().unwrap()).output().await.unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&report["created"], &report["unchanged"], &report["read_as"]["charset"]),
            (&json!(created), &json!(unchanged), &json!("UTF-8")),
            "{report}"
        );
    }
    db.close().await;
});
