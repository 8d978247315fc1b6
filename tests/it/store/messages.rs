use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::{MessageId, SourceId};
use belltower::domain::message::{Category, Lane, Rank, Status};
use belltower::store::Db;
use belltower::store::messages::{
    MessageFilter, MessageRow, NewMessage, find, find_all, find_body, find_status, get_many, insert, list,
    set_status, standing,
};

use super::execute;
use crate::support::on_both;

/// Two sources, 1 and 2, for what refers to them.
pub(super) async fn sources(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    let text = "INSERT INTO source (id, name, department, topics, channels, rights, created_at)
                VALUES (1, '教务处', '', '[]', '[]', '[]', 0), (2, '图书馆', '', '[]', '[]', '[]', 0)";
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

/// A message of source 1, created at the moment its id names.
pub(super) fn message(id: i64) -> NewMessage {
    NewMessage {
        id: MessageId(id),
        source: Some(SourceId(1)),
        operator: None,
        department: Some("教务处".to_owned()),
        test: false,
        topic: "academic.exam".to_owned(),
        category: Category::Announcement,
        rank: Rank::Normal,
        status: Status::Accepted,
        title: "考试安排".to_owned(),
        content: r#"{"content":{"title":"考试安排","body":"\"周一\" 🎓"}}"#.to_owned(),
        template: None,
        audience: None,
        personalise: None,
        channels: r#"["email"]"#.to_owned(),
        own_channels: false,
        attributes: "{}".to_owned(),
        send_at: Timestamp(id),
        expires_at: Timestamp(id + 1000),
        own_expiry: false,
        created_at: Timestamp(id),
        request_id: "req-1".to_owned(),
    }
}

pub(super) async fn keep(db: &Db, messages: &[NewMessage]) {
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, messages).await.unwrap();
    tx.commit().await.unwrap();
}

fn ids(rows: &[MessageRow]) -> Vec<i64> {
    rows.iter().map(|row| row.id.0).collect()
}

on_both!(a_message_is_read_back_as_it_was_kept, |db| async {
    sources(&db).await;
    let big = i64::MAX - 5000;
    let full = NewMessage {
        test: true,
        category: Category::Emergency,
        rank: Rank::Emergency,
        status: Status::Scheduled,
        audience: Some(r#"{"everyone":true}"#.to_owned()),
        personalise: Some("{}".to_owned()),
        attributes: r#"{"层":3}"#.to_owned(),
        ..message(big)
    };
    keep(&db, &[full, message(1)]).await;

    let row = find(&db, MessageId(big)).await.unwrap().unwrap();
    assert_eq!(row.source_id, Some(SourceId(1)));
    assert_eq!(row.source_name.as_deref(), Some("教务处"));
    assert_eq!((row.operator_id, row.operator_name), (None, None));
    assert!(row.test);
    assert_eq!(
        (row.category, row.lane, row.status),
        (Category::Emergency, Lane::Emergency, Status::Scheduled)
    );
    assert_eq!((row.title.as_str(), row.topic.as_str()), ("考试安排", "academic.exam"));
    assert_eq!(row.updated_at, row.created_at);
    assert_eq!(find_status(&db, row.id).await.unwrap(), Some(Status::Scheduled));

    let body = find_body(&db, row.id).await.unwrap().unwrap();
    assert_eq!(body.content.0.content.body, "\"周一\" 🎓");
    assert!(body.audience.unwrap().0.everyone);
    assert_eq!(body.channels.0, [ChannelKind::Email]);
    assert_eq!(body.attributes.0["层"], 3);
    assert!(body.personalised);
    let plain = find_body(&db, MessageId(1)).await.unwrap().unwrap();
    assert!(plain.audience.is_none() && !plain.personalised);

    assert!(find(&db, MessageId(2)).await.unwrap().is_none());
    assert!(find_body(&db, MessageId(2)).await.unwrap().is_none());
    assert!(find_status(&db, MessageId(2)).await.unwrap().is_none());
});

on_both!(an_id_that_is_there_refuses_all_of_them, |db| async {
    sources(&db).await;
    keep(&db, &[message(1)]).await;
    let mut tx = db.begin().await.unwrap();
    assert!(insert(&mut tx, &[message(2), message(1)]).await.is_err());
    drop(tx);
    assert!(find(&db, MessageId(2)).await.unwrap().is_none());
});

on_both!(more_than_one_statement_takes_is_kept_too, |db| async {
    sources(&db).await;
    let large = |id| NewMessage { personalise: Some(format!("\"{}\"", "x".repeat(3 << 20))), ..message(id) };
    keep(&db, &[large(1), large(2), large(3)]).await;
    keep(&db, &[]).await;
    assert_eq!(ids(&list(&db, &MessageFilter::default(), None, 9).await.unwrap()), [3, 2, 1]);
});

on_both!(a_transaction_sees_what_it_wrote, |db| async {
    sources(&db).await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, &[message(5), message(6)]).await.unwrap();
    let mut seen = ids(&find_all(&mut tx, &[MessageId(6), MessageId(5), MessageId(4)]).await.unwrap());
    seen.sort_unstable();
    assert_eq!(seen, [5, 6]);
});

on_both!(lists_are_narrowed_and_go_on_from_the_last, |db| async {
    sources(&db).await;
    let library = NewMessage {
        source: Some(SourceId(2)),
        department: Some("图书馆".to_owned()),
        topic: "library.new-books".to_owned(),
        title: "New Books 100% free".to_owned(),
        category: Category::ResourceUpdate,
        ..message(2)
    };
    let held = NewMessage { status: Status::Held, topic: "academic".to_owned(), ..message(3) };
    let other = NewMessage { topic: "academics.x".to_owned(), ..message(4) };
    keep(&db, &[message(1), library, held, other]).await;

    let listed = async |filter: MessageFilter| ids(&list(&db, &filter, None, 10).await.unwrap());
    let all = MessageFilter::default();
    assert_eq!(listed(all.clone()).await, [4, 3, 2, 1]);
    assert_eq!(listed(MessageFilter { id: Some(MessageId(3)), ..all.clone() }).await, [3]);
    for (departments, of_them, held) in
        [(&[][..], &[][..], &[][..]), (&["图书馆"], &[2], &[]), (&["图书馆", "教务处"], &[4, 3, 2, 1], &[3])]
    {
        let departments: Vec<_> = departments.iter().map(|&name| name.to_owned()).collect();
        let within = MessageFilter { departments: Some(departments), ..all.clone() };
        assert_eq!(listed(within.clone()).await, of_them);
        assert_eq!(listed(MessageFilter { status: Some(Status::Held), ..within }).await, held);
    }
    let of_second = MessageFilter { source: Some(SourceId(2)), ..all.clone() };
    assert_eq!(listed(of_second.clone()).await, [2]);
    for (department, found) in [("图书馆", &[2][..]), ("教务处", &[])] {
        let departments = Some(vec![department.to_owned()]);
        assert_eq!(listed(MessageFilter { departments, ..of_second.clone() }).await, found);
    }
    assert_eq!(listed(MessageFilter { topic: Some("academic".to_owned()), ..all.clone() }).await, [3]);
    assert_eq!(
        listed(MessageFilter { topic_prefix: Some("academic".to_owned()), ..all.clone() }).await,
        [3, 1]
    );
    assert_eq!(listed(MessageFilter { category: Some(Category::ResourceUpdate), ..all.clone() }).await, [2]);
    assert_eq!(listed(MessageFilter { status: Some(Status::Held), ..all.clone() }).await, [3]);
    let span = MessageFilter { since: Some(Timestamp(2)), until: Some(Timestamp(4)), ..all.clone() };
    assert_eq!(listed(span).await, [3, 2]);
    for (text, found) in
        [("books", vec![2]), ("100%", vec![2]), ("考试", vec![4, 3, 1]), ("%", vec![2]), ("no", vec![])]
    {
        assert_eq!(
            listed(MessageFilter { text: Some(text.to_owned()), ..all.clone() }).await,
            found,
            "{text}"
        );
    }
    assert_eq!(ids(&list(&db, &all, Some(MessageId(3)), 1).await.unwrap()), [2]);

    let mut tx = db.begin().await.unwrap();
    let counts = "INSERT INTO message_count (message_id, channel, delivered, failed, unknown) VALUES
        (1, 1, 5, 0, 0), (2, 1, 5, 0, 0), (2, 2, 0, 1, 0), (4, 1, 0, 0, 1)";
    execute(&mut tx, counts).await;
    tx.commit().await.unwrap();
    assert_eq!(listed(MessageFilter { troubled: true, ..all.clone() }).await, [4, 2]);
    let mut tx = db.begin().await.unwrap();
    let theirs = "INSERT INTO recipient (id, campus_id, name, attributes, active, created_at, updated_at)
           VALUES (900, '2023777', '', '{}', TRUE, 0, 0);
         INSERT INTO delivery (message_id, channel, outlet, lane, target, recipient_id, state, due_at, updated_at)
           VALUES (3, 1, 1, 2, 900, 900, 0, 0, 0)";
    execute(&mut tx, theirs).await;
    tx.commit().await.unwrap();
    assert_eq!(listed(MessageFilter { recipient: Some("2023777".to_owned()), ..all.clone() }).await, [3]);
    assert!(listed(MessageFilter { recipient: Some("nobody".to_owned()), ..all.clone() }).await.is_empty());
});

on_both!(several_are_read_by_id, |db| async {
    sources(&db).await;
    keep(&db, &[message(1), message(2), message(3)]).await;
    let mut found = ids(&get_many(&db, &[MessageId(3), MessageId(1), MessageId(9)]).await.unwrap());
    found.sort_unstable();
    assert_eq!(found, [1, 3]);
});

on_both!(a_message_stopped_by_hand_keeps_why, |db| async {
    sources(&db).await;
    keep(&db, &[message(1)]).await;
    let mut tx = db.begin().await.unwrap();
    let known = standing(&mut tx, MessageId(1)).await.unwrap().unwrap();
    assert_eq!(known.status, Status::Accepted);
    assert!(standing(&mut tx, MessageId(2)).await.unwrap().is_none());
    set_status(
        &mut tx,
        MessageId(1),
        Status::Cancelled,
        Some("by hand"),
        known.expires_at,
        Timestamp(10_000),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let row = find(&db, MessageId(1)).await.unwrap().unwrap();
    assert_eq!(
        (row.status, row.reason.as_deref(), row.completed_at),
        (Status::Cancelled, Some("by hand"), Some(Timestamp(10_000)))
    );
});
