//! The audit log as a chain: whatever is done to it past the program is found.

use belltower::clock::Timestamp;
use belltower::domain::operator::Role;
use belltower::service::Services;
use std::sync::Arc;

use belltower::service::audit::{Checked, Note, Noted, Trouble, check, seal};
use belltower::store::Db;
use belltower::store::audit::append;
use serde_json::json;

use crate::support::folder::TempFolder;
use crate::support::services::services_with_key;
use crate::support::{on_both, operator, services};

/// Writes down so many acts, told apart by their number.
async fn act(s: &Services, numbers: std::ops::RangeInclusive<i64>) {
    let mut tx = s.db.begin().await.unwrap();
    for n in numbers {
        append(&mut tx, Timestamp(n), "周敏", "source.update", "src_1", &json!({ "n": n })).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn look(s: &Services) -> Checked {
    check(s, &operator(Role::Auditor), None).await.unwrap()
}

/// A process that begins anew beside the file in which the end is noted.
fn begun(db: &Db, folder: &TempFolder) -> Services {
    let mut s = services(db.clone());
    s.audit_note = Arc::new(Note::in_file(folder.path().join("audit_note")));
    s
}

/// Has the program chain whatever is there from the beginning.
async fn begin_anew(db: &Db) {
    tamper(db, "UPDATE audit SET place = NULL, print = NULL").await;
    let anew = match db {
        Db::Sqlite { .. } => "UPDATE audit_seal SET place = 0, print = zeroblob(32)",
        Db::Postgres(_) => "UPDATE audit_seal SET place = 0, print = decode(repeat('00', 32), 'hex')",
    };
    tamper(db, anew).await;
}

/// Something done to the store by somebody who can write to it.
async fn tamper(db: &Db, text: &'static str) {
    match db {
        Db::Sqlite { .. } => {
            let mut tx = db.begin().await.unwrap();
            let belltower::store::Tx::Sqlite(inner) = &mut tx else { unreachable!() };
            sqlx::query(text).execute(&mut **inner).await.unwrap();
            tx.commit().await.unwrap();
        }
        Db::Postgres(pool) => drop(sqlx::query(text).execute(pool).await.unwrap()),
    }
}

on_both!(a_log_that_nobody_touched_is_whole, |db| async {
    let s = services(db);
    let empty = look(&s).await;
    assert_eq!((empty.acts, empty.trouble, empty.head.len()), (0, None, 64));

    // More than is sealed or read at once.
    act(&s, 1..=1_203).await;
    assert_eq!(seal(&s).await.unwrap(), 1_203);
    assert_eq!(seal(&s).await.unwrap(), 0);
    let whole = look(&s).await;
    assert_eq!((whole.acts, whole.trouble), (1_203, None));

    act(&s, 1_204..=1_204).await;
    let longer = look(&s).await;
    assert_eq!((longer.acts, longer.trouble), (1_204, None), "what is not sealed yet is sealed first");
    assert_ne!(longer.head, whole.head);
});

on_both!(an_act_changed_past_the_program_is_found, |db| async {
    let s = services(db.clone());
    act(&s, 1..=5).await;
    assert_eq!(look(&s).await.trouble, None);
    for text in [
        "UPDATE audit SET actor = 'x' WHERE place = 3",
        "UPDATE audit SET actor = '周敏', detail = '{}' WHERE place = 3",
        "UPDATE audit SET detail = '{\"n\":3}', at = 9 WHERE place = 3",
        "UPDATE audit SET at = 3, object = 'src_' WHERE place = 3",
        "UPDATE audit SET object = 'src_1', action = 'source.updat' WHERE place = 3",
    ] {
        tamper(&db, text).await;
        let checked = look(&s).await;
        assert_eq!((checked.acts, checked.trouble), (2, Some(Trouble::Changed { place: 3 })), "{text}");
    }
    tamper(&db, "UPDATE audit SET action = 'source.update' WHERE place = 3").await;
    assert_eq!(look(&s).await.trouble, None, "as it was");
});

on_both!(acts_that_are_gone_or_moved_are_found, |db| async {
    let s = services(db.clone());
    act(&s, 1..=5).await;
    assert_eq!(look(&s).await.trouble, None);
    tamper(&db, "UPDATE audit SET place = 9 WHERE place = 2").await;
    assert_eq!(look(&s).await.trouble, Some(Trouble::Missing { place: 2 }));
    tamper(&db, "UPDATE audit SET place = 2 WHERE place = 3").await;
    assert_eq!(look(&s).await.trouble, Some(Trouble::Changed { place: 2 }), "another in its place");
    tamper(&db, "UPDATE audit SET place = 3 WHERE place = 2").await;
    tamper(&db, "UPDATE audit SET place = 2 WHERE place = 9").await;
    assert_eq!(look(&s).await.trouble, None);

    tamper(&db, "DELETE FROM audit WHERE place = 5").await;
    assert_eq!(look(&s).await.trouble, Some(Trouble::Missing { place: 5 }), "the last too");
    tamper(&db, "UPDATE audit_seal SET place = 4").await;
    assert_eq!(
        look(&s).await.trouble,
        Some(Trouble::Changed { place: 4 }),
        "whoever moves the end lacks its hash"
    );
});

on_both!(nobody_makes_a_chain_without_the_key, |db| async {
    let s = services(db.clone());
    act(&s, 1..=3).await;
    assert_eq!(look(&s).await.trouble, None);
    let forger = services_with_key(db.clone(), [9; 32]);
    tamper(&db, "UPDATE audit SET actor = 'x' WHERE place = 1").await;
    begin_anew(&db).await;
    assert_eq!(seal(&forger).await.unwrap(), 3);
    assert_eq!(look(&s).await.trouble, Some(Trouble::Changed { place: 1 }));
});

on_both!(a_log_that_the_program_was_made_to_chain_anew_is_found, |db| async {
    let folder = TempFolder::new();
    let s = begun(&db, &folder);
    act(&s, 1..=3).await;
    let noted: Noted = look(&s).await.note.parse().unwrap();
    tamper(&db, "UPDATE audit SET actor = 'x' WHERE place = 1").await;
    begin_anew(&db).await;
    act(&s, 4..=5).await;
    let replaced = Some(Trouble::Replaced { place: 3 });
    // By the process that saw the end, by the next one, and by whoever wrote it down.
    assert_eq!(look(&s).await.trouble, replaced);
    assert_eq!(look(&begun(&db, &folder)).await.trouble, replaced, "the note stays");
    let stranger = services(db.clone());
    assert_eq!(look(&stranger).await.trouble, None, "in itself it is whole");
    let auditor = operator(Role::Auditor);
    assert_eq!(check(&stranger, &auditor, Some(&noted)).await.unwrap().trouble, replaced);
});

on_both!(a_log_whose_last_acts_are_gone_with_its_end_is_found, |db| async {
    let folder = TempFolder::new();
    let s = begun(&db, &folder);
    act(&s, 1..=5).await;
    let noted: Noted = look(&s).await.note.parse().unwrap();
    tamper(&db, "DELETE FROM audit WHERE place > 3").await;
    tamper(&db, "UPDATE audit_seal SET place = 3, print = (SELECT print FROM audit WHERE place = 3)").await;
    assert_eq!(look(&s).await.trouble, Some(Trouble::Replaced { place: 5 }));
    assert_eq!(look(&begun(&db, &folder)).await.trouble, Some(Trouble::Replaced { place: 5 }));
    // Others in their places do not hide it.
    act(&s, 6..=9).await;
    assert_eq!(look(&s).await.trouble, Some(Trouble::Replaced { place: 5 }));
    let checked = check(&services(db.clone()), &operator(Role::Auditor), Some(&noted)).await.unwrap();
    assert_eq!(checked.trouble, Some(Trouble::Replaced { place: 5 }));
});

on_both!(what_was_noted_down_is_still_there_after_a_restart, |db| async {
    let folder = TempFolder::new();
    let s = begun(&db, &folder);
    act(&s, 1..=2).await;
    let noted: Noted = look(&s).await.note.parse().unwrap();
    let s = begun(&db, &folder);
    act(&s, 3..=4).await;
    let whole = check(&s, &operator(Role::Auditor), Some(&noted)).await.unwrap();
    assert_eq!((whole.acts, whole.trouble), (4, None));
    let file = std::fs::read_to_string(folder.path().join("audit_note")).unwrap();
    assert_eq!(file.trim_end(), whole.note);
});

on_both!(after_a_restore_the_notes_of_every_node_are_of_the_log_that_was_lost, |db| async {
    let (here, there) = (TempFolder::new(), TempFolder::new());
    let s = begun(&db, &here);
    act(&s, 1..=5).await;
    look(&s).await;
    act(&s, 6..=6).await;
    look(&begun(&db, &there)).await;
    // The backup was made after the third.
    tamper(&db, "DELETE FROM audit WHERE place > 3").await;
    tamper(&db, "UPDATE audit_seal SET place = 3, print = (SELECT print FROM audit WHERE place = 3)").await;
    let other = || begun(&db, &there);
    assert_eq!(look(&other()).await.trouble, Some(Trouble::Replaced { place: 6 }));

    // Nobody without the key says that there was a restore.
    let mut tx = db.begin().await.unwrap();
    append(&mut tx, Timestamp(9), "command restore", "backup.restore", "", &json!({})).await.unwrap();
    let forged = belltower::store::restoring::latest_act(&mut tx, "backup.restore").await.unwrap().unwrap();
    belltower::store::restoring::remember(&mut tx, forged, &"00".repeat(32)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(look(&other()).await.trouble, Some(Trouble::Replaced { place: 6 }));

    belltower::service::backups::settle(&s, false).await.unwrap();
    let whole = look(&other()).await;
    assert_eq!(whole.trouble, None);
    let aside = std::fs::read_dir(there.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with("audit_note.before-restore-"));
    assert_eq!(aside.count(), 1, "it says what the backup lacked");
    // From then on both notes count again, also for a process that begins anew.
    act(&s, 7..=8).await;
    let there_noted = look(&other()).await.acts;
    act(&s, 9..=9).await;
    let here_noted = look(&begun(&db, &here)).await.acts;
    tamper(&db, "DELETE FROM audit WHERE place > 5").await;
    tamper(&db, "UPDATE audit_seal SET place = 5, print = (SELECT print FROM audit WHERE place = 5)").await;
    for (folder, noted) in [(&here, here_noted), (&there, there_noted)] {
        let place = noted as i64;
        assert_eq!(look(&begun(&db, folder)).await.trouble, Some(Trouble::Replaced { place }));
    }
});

#[test]
fn a_note_is_read_as_it_was_written() {
    let text = format!("12:{}", "5c".repeat(32));
    assert_eq!(text.parse::<Noted>().unwrap().to_string(), text);
    for wrong in ["", "12", "12:", "0:5c", ":5c45", &text[..66], &text.replace('5', "x"), "12:é"] {
        assert!(wrong.parse::<Noted>().is_err(), "{wrong}");
    }
}
