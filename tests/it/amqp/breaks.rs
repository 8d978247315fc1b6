//! While something breaks nothing is lost, and nothing is done twice.

use std::time::Duration;

use belltower::lifecycle::Ending;
use belltower::service::sources::NewSource;
use belltower::store::Db;
use lapin::ExchangeKind;
use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use serde_json::json;
use url::Url;

use super::{Hall, kept, message, message_and};
use crate::support::app::{TestApp, everything};
use crate::support::broker::{Broker, at_broker, until, with_broker};
use crate::support::database::with_postgres;
use crate::support::process::{Installation, Server};
use crate::support::proxy::Proxy;

#[test]
fn what_was_kept_and_not_settled_comes_again_and_is_kept_once() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let (proxy, way) = broker.through_proxy(&address).await;
        let hall = Hall::over(TestApp::start().await, broker, &address, &way, everything("library")).await;
        proxy.lose();
        for number in 0..5 {
            hall.publish(&format!("loan-{number}"), &message()).await;
        }
        hall.until_kept(5).await;
        hall.until_counted("accepted", 5).await;
        until("they were settled", async || (proxy.lost() >= 5).then_some(())).await;
        proxy.hear();
        proxy.sever();
        hall.until_counted("replayed", 5).await;
        hall.until_settled().await;
        assert_eq!((hall.kept().await.len(), hall.counted("accepted"), hall.counted("rejected")), (5, 5, 0));
    });
}

#[test]
fn a_broker_that_is_away_keeps_what_is_published_and_is_told_of() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let (proxy, way) = broker.through_proxy(&address).await;
        let hall = Hall::over(TestApp::start().await, broker, &address, &way, everything("library")).await;
        let trouble = || hall.app.services.broker_door.trouble();
        assert_eq!(trouble(), None);
        proxy.cut();
        until("it is told of", async || trouble()).await;
        hall.publish("loan-1", &message()).await;
        hall.publish("loan-2", &json!({})).await;
        assert!(hall.kept().await.is_empty());
        proxy.mend();
        hall.until_kept(1).await;
        assert_eq!(hall.rejected().await.code(), "invalid");
        until("it is open again", async || trouble().is_none().then_some(())).await;
        hall.shut().await;
        assert_eq!(trouble(), None, "it is shut on purpose");
    });
}

#[test]
fn what_was_deleted_at_the_broker_is_made_anew() {
    with_broker(async |broker: &'static Broker| {
        let hall = Hall::open(broker).await;
        hall.publish("loan-0", &json!({})).await;
        hall.rejected().await;
        // Whoever has taken one to reject it finds the place for it gone.
        for of in ["intake.rejected", "intake.later", "intake.again", "intake"] {
            let queue = hall.name(of);
            hall.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
        }
        hall.until_open(broker).await;
        hall.publish("loan-1", &message()).await;
        hall.until_kept(1).await;
        let queue = hall.name("intake.rejected");
        hall.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
        hall.publish("loan-2", &json!({})).await;
        until("its place is there again", async || {
            let (_connection, channel) = broker.channel().await;
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let declared = channel
                .queue_declare(hall.name("intake.rejected").into(), options, FieldTable::default())
                .await;
            declared.ok().filter(|queue| queue.message_count() > 0).map(drop)
        })
        .await;
        assert_eq!(hall.rejected().await.code(), "invalid");
        hall.until_settled().await;
    });
}

#[test]
fn names_that_others_have_taken_are_told_of() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let (_connection, channel) = broker.channel().await;
        let name = format!("{}.intake", address.prefix);
        let fanout = ExchangeKind::Fanout;
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        channel.exchange_declare(name.as_str().into(), fanout, options, FieldTable::default()).await.unwrap();
        let app = TestApp::start().await;
        super::serve(&address, &app.services, &app.lifecycle);
        let told = until("it is told of", async || app.services.broker_door.trouble()).await;
        assert!(told.contains(&name) && told.contains("delete it"), "{told}");
        channel.exchange_delete(name.into(), ExchangeDeleteOptions::default()).await.unwrap();
        until("it is open", async || app.services.broker_door.trouble().is_none().then_some(())).await;
        app.lifecycle.abort();
    });
}

#[test]
fn while_the_store_is_away_everything_waits() {
    with_postgres(async |url: String| {
        at_broker(async |broker: &'static Broker| {
            let database: Url = url.parse().unwrap();
            let at = format!("{}:{}", database.host_str().unwrap(), database.port().unwrap_or(5432));
            let store = Proxy::plain(at).await;
            let mut by_way = database.clone();
            by_way.set_host(Some("127.0.0.1")).unwrap();
            by_way.set_port(Some(store.port)).unwrap();
            let app = TestApp::on(Db::open(by_way.as_str()).await.unwrap()).await;
            let address = broker.fresh();
            // Each try counts, so that some wait for the store and some until their source may send again.
            let slow = NewSource { rate_per_second: Some(5), ..everything("library") };
            let hall = Hall::over(app, broker, &address, &address, slow).await;
            hall.publish("loan-0", &message()).await;
            hall.until_kept(1).await;

            store.cut();
            for number in 1..30 {
                hall.publish(&format!("loan-{number}"), &message()).await;
            }
            hall.publish("wrong", &json!({})).await;
            // Nobody can say yet what is wrong with it.
            assert_eq!((hall.counted("accepted"), hall.counted("rejected")), (1, 0));
            store.mend();
            until("all are kept", async || {
                hall.app.clock.turn(1_000);
                (hall.kept().await.len() == 30).then_some(())
            })
            .await;
            let back = until("what is wrong is given back", async || {
                hall.app.clock.turn(1_000);
                hall.any_rejected().await
            })
            .await;
            assert_eq!(back.code(), "invalid");
            let counted = || hall.counted("accepted") + hall.counted("replayed");
            until("all are counted", async || (counted() >= 30).then_some(())).await;
            hall.until_settled().await;
            assert_eq!((counted(), hall.counted("rejected")), (30, 1));
            hall.app.services.db.close().await;
        })
        .await;
    });
}

#[test]
fn a_process_that_is_killed_before_it_settles_has_kept_what_it_kept() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let (proxy, way) = broker.through_proxy(&address).await;
        let installation = Installation::with(vec![
            ("BELLTOWER_QUEUE", broker.setting(&way.prefix, way.port)),
            ("BELLTOWER_INTAKE__AMQP", "true".to_owned()),
        ]);
        let arguments = [
            "source",
            "create",
            "--name",
            "library",
            "--department",
            "图书馆",
            "--topics",
            "library.#",
            "--channels",
            "email",
            "--rights",
            "send_direct",
            "--broker-user",
            &address.user,
        ];
        let key = installation.json(&arguments, "").await["key"].as_str().unwrap().to_owned();
        let server = installation.serve().await;
        let outside = TestApp::start().await;
        let hall = Hall::beside(outside, broker, &address).await;
        let kept = async |server: &Server| {
            let all = server.get(&key, "/api/v1/messages").await;
            all["data"].as_array().unwrap().len()
        };
        proxy.lose();
        for number in 0..3 {
            hall.publish(&format!("loan-{number}"), &message_and(json!({ "topic": "library.due" }))).await;
        }
        until("they are kept", async || (kept(&server).await == 3).then_some(())).await;
        until("they were settled", async || (proxy.lost() >= 3).then_some(())).await;
        server.kill().await;
        proxy.hear();
        proxy.sever();

        let server = installation.serve().await;
        hall.publish("loan-3", &message()).await;
        until("the last one is kept", async || (kept(&server).await >= 4).then_some(())).await;
        server.stop().await;
        // What it had not settled waits again.
        hall.until_settled().await;
        let s = installation.services().await;
        assert_eq!(super::kept(&s).await.len(), 4);
        s.db.close().await;
    });
}

#[test]
fn a_process_that_stops_finishes_what_it_has_and_leaves_the_rest() {
    with_broker(async |broker: &'static Broker| {
        let hall = Hall::open(broker).await;
        for number in 0..20 {
            hall.publish(&format!("loan-{number}"), &message()).await;
        }
        hall.shut().await;
        let before = hall.kept().await.len();
        assert_eq!(before + hall.waiting().await as usize, 20, "each is kept or waits, and none is both");
        let next = belltower::lifecycle::Lifecycle::new();
        super::serve(&hall.broker, &hall.app.services, &next);
        until("all are kept", async || (kept(&hall.app.services).await.len() == 20).then_some(())).await;
        next.stop();
        assert_eq!(next.wait(Duration::from_mins(1)).await, Ending::Finished);
        hall.until_settled().await;
        assert_eq!((hall.counted("accepted"), hall.counted("replayed")), (20, 0));
    });
}
