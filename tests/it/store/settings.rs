use belltower::store::settings::next_number;

use crate::support::on_both;

on_both!(each_series_counts_by_itself, |db| async {
    let mut drawn = Vec::new();
    for name in ["mint", "mint", "other", "mint"] {
        let mut tx = db.begin().await.unwrap();
        drawn.push(next_number(&mut tx, name).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(drawn, [1, 2, 1, 3]);
});
