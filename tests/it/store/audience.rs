use belltower::domain::filter::Filter;
use belltower::domain::id::RecipientId;
use belltower::store::audience::{ResolvedAudience, count, known, members, named};

use super::execute;
use super::planning::people;
use crate::support::on_both;

on_both!(an_audience_is_the_union_of_its_parts_without_what_it_excludes, |db| async {
    people(&db).await;
    let mut tx = db.begin().await.unwrap();
    let text = "INSERT INTO recipient_group (id, slug, name, kind, filter, created_at, updated_at)
                VALUES (1, 'readers', '读者委员会', 0, NULL, 0, 0), (2, 'agri', '农学院', 1, 'college = ''农学院''', 0, 0)";
    execute(&mut tx, text).await;
    execute(&mut tx, "INSERT INTO group_member (group_id, recipient_id) VALUES (1, 1), (1, 6), (1, 7)").await;
    tx.commit().await.unwrap();

    let groups = named(&db, &["agri", "readers", "nobody"]).await.unwrap();
    assert_eq!(groups.len(), 2);
    let agri = groups.iter().find(|g| g.slug == "agri").unwrap();
    let readers = groups.iter().find(|g| g.slug == "readers").unwrap();
    assert_eq!((agri.filter.as_deref(), readers.filter.as_deref()), (Some("college = '农学院'"), None));
    assert_eq!(known(&db, &["2023001", "2023999"]).await.unwrap().len(), 1);

    let audience = ResolvedAudience {
        groups: vec![readers.id],
        filters: vec![Filter::parse(agri.filter.as_deref().unwrap()).unwrap()],
        recipients: vec!["2023003".to_owned()],
        exclude: Some(Box::new(ResolvedAudience {
            recipients: vec!["2023010".to_owned()],
            ..Default::default()
        })),
        ..Default::default()
    };
    // 1 and 7 are readers (6 has left), 2 4 8 are of the college (10 is excluded), 3 is named.
    let expected: Vec<_> = [1, 2, 3, 4, 7, 8].map(RecipientId).to_vec();
    assert_eq!(members(&db, &audience, RecipientId(0), 100).await.unwrap(), expected);
    assert_eq!(members(&db, &audience, RecipientId(3), 2).await.unwrap(), expected[3..5]);
    assert_eq!(count(&db, &audience).await.unwrap(), 6);
    assert_eq!(count(&db, &ResolvedAudience::default()).await.unwrap(), 0, "nobody is named");
});
