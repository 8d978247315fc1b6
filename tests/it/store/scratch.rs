use belltower::Error;
use belltower::store::{Db, scratch};

use crate::support::on_both_urls;

on_both_urls!(a_scratch_store_is_new_and_goes_again, |url| async {
    let first = scratch::create(&url).await.unwrap();
    let second = scratch::create(&url).await.unwrap();
    assert!(first != second && first != url);
    for url in [&first, &second] {
        let db = Db::open(url).await.unwrap();
        db.ping().await.unwrap();
        db.close().await;
        scratch::remove(url).await.unwrap();
        scratch::remove(url).await.unwrap();
    }
});

on_both_urls!(other_stores_are_not_removed, |url| async {
    Db::open(&url).await.unwrap().close().await;
    assert!(matches!(scratch::remove(&url).await, Err(Error::Conflict { .. })));
    Db::open(&url).await.unwrap().close().await;
});
