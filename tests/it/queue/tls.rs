//! A broker behind TLS: one that shows who it is by an authority that is trusted is used, and to any other not a word of AMQP
//! is said.

use std::sync::Arc;

use belltower::clock::Clock;
use belltower::config::Layers;
use belltower::domain::message::Lane;
use belltower::queue::Queue;
use belltower::service::Services;

use super::{EMAIL, entry, take};
use crate::support::broker::{Broker, until, until_away, until_it_stands, with_broker};
use crate::support::folder::TempFolder;
use crate::support::tls_front::TlsFront;

/// The queue as the setting `queue.url` makes it, by way of that front.
async fn queue(broker: &Broker, front: &TlsFront, trusts_it: bool) -> (Arc<dyn Queue>, TempFolder) {
    let folder = TempFolder::new();
    let mut url: url::Url = broker.setting(&broker.fresh().prefix, front.port).parse().unwrap();
    // `set_scheme` changes special schemes only.
    url = url.as_str().replacen("amqp://", "amqps://", 1).parse().unwrap();
    if trusts_it {
        url.query_pairs_mut().append_pair("cacertfile", &front.ca_file().to_string_lossy());
    }
    let config = Layers::default()
        .option("test", "data.directory", folder.path().to_string_lossy())
        .option("test", "queue.url", url.as_str())
        .resolve()
        .unwrap();
    let services =
        Services::open(&config, Clock::System, "http://127.0.0.1:8080".parse().unwrap()).await.unwrap();
    (services.queue, folder)
}

#[test]
fn a_broker_of_an_authority_of_ones_own_is_used() {
    with_broker(async |broker: &'static Broker| {
        let front = TlsFront::start(&broker.server(), &["127.0.0.1"]).await;
        let (queue, _folder) = queue(broker, &front, true).await;
        until_it_stands(queue.as_ref()).await;
        queue.publish(entry(Lane::High, EMAIL)).await.unwrap();
        assert_eq!(take(queue.as_ref(), EMAIL).await, entry(Lane::High, EMAIL));
        assert_eq!(queue.received(Lane::High), 1);
        assert!(front.shaken() >= 2, "by the front, with both connections");
        assert!(front.heard() > 0);
        queue.close().await;
    });
}

#[test]
fn to_a_broker_of_an_unknown_authority_nothing_is_said() {
    with_broker(async |broker: &'static Broker| {
        let front = TlsFront::start(&broker.server(), &["127.0.0.1"]).await;
        nothing_is_said(broker, &front, false, "UnknownIssuer").await;
    });
}

#[test]
fn to_a_broker_of_another_name_nothing_is_said() {
    with_broker(async |broker: &'static Broker| {
        let front = TlsFront::start(&broker.server(), &["mq.elsewhere.example"]).await;
        nothing_is_said(broker, &front, true, "not valid for name").await;
    });
}

async fn nothing_is_said(broker: &Broker, front: &TlsFront, trusts_it: bool, because: &str) {
    let (queue, _folder) = queue(broker, front, trusts_it).await;
    assert!(queue.publish(entry(Lane::High, EMAIL)).await.is_err());
    let told = until_away(queue.as_ref()).await;
    assert!(told.contains(because), "{told}");
    until("somebody came at all", async || (front.refused() > 0).then_some(())).await;
    queue.close().await;
    assert_eq!((front.shaken(), front.heard()), (0, 0), "something was said");
    assert!(front.all_began_with_tls(), "something was said without TLS");
}
