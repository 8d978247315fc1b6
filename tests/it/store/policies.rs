use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::policy::Policy;
use belltower::store::policies::{find, insert, list, lock};

use crate::support::on_both;

on_both!(the_latest_version_is_in_force, |db| async {
    assert!(find(&db).await.unwrap().is_none());
    let capped = Policy { frequency_cap: [(ChannelKind::Sms, 3)].into(), ..Policy::default() };
    for (number, policy) in [(1, &Policy::default()), (2, &capped)] {
        let mut tx = db.begin().await.unwrap();
        let latest = lock(&mut tx).await.unwrap().map_or(0, |row| row.number);
        assert_eq!(latest, number - 1);
        insert(&mut tx, number, policy, "寒假", "周敏", Timestamp(number)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let row = find(&db).await.unwrap().unwrap();
    assert_eq!((row.number, row.policy.0), (2, capped));
    assert_eq!((row.created_by.as_str(), row.note.as_str(), row.created_at), ("周敏", "寒假", Timestamp(2)));
    let numbers = async |limit| -> Vec<_> {
        list(&db, limit).await.unwrap().into_iter().map(|row| row.number).collect()
    };
    assert_eq!((numbers(1).await, numbers(9).await), (vec![2], vec![2, 1]));
});
