use belltower::clock::Timestamp;
use belltower::domain::operator::Permission;
use belltower::store::roles::{delete, insert, list, list_in, update};

use crate::support::on_both;

on_both!(a_role_is_kept_changed_and_taken_away, |db| async {
    let seen = [Permission::MessagesView, Permission::SourcesView];
    let mut tx = db.begin().await.unwrap();
    let desk = insert(&mut tx, "服务台", "看消息", &seen, Timestamp(5)).await.unwrap().unwrap();
    let night = insert(&mut tx, "夜班", "", &seen[..1], Timestamp(6)).await.unwrap().unwrap();
    assert!(insert(&mut tx, "夜班", "", &seen, Timestamp(7)).await.unwrap().is_none());
    assert_eq!(list_in(&mut tx).await.unwrap().len(), 2);
    assert!(!update(&mut tx, night, "服务台", "", &seen).await.unwrap());
    assert!(update(&mut tx, night, "晚班", "到十点", &[Permission::AuditView]).await.unwrap());
    tx.commit().await.unwrap();
    let rows = list(&db).await.unwrap();
    let row = rows.iter().find(|row| row.id == night).unwrap();
    assert_eq!((row.name.as_str(), row.description.as_str()), ("晚班", "到十点"));
    assert_eq!((row.permissions.0.clone(), row.created_at), (vec!["audit.view".to_owned()], Timestamp(6)));
    let row = rows.iter().find(|row| row.id == desk).unwrap();
    assert_eq!(row.permissions.0, ["messages.view", "sources.view"]);
    let mut tx = db.begin().await.unwrap();
    delete(&mut tx, desk).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(list(&db).await.unwrap().len(), 1);
});
