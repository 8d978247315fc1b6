//! A line to a server that takes its time, and that can be held up: what is on its way stays there until it is let go.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct SlowLink {
    pub addr: SocketAddr,
    held: watch::Sender<bool>,
}

impl SlowLink {
    /// To the server at `to`; whatever goes either way is `late` by so much.
    pub(crate) async fn start(to: String, late: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (held, is_held) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&to).await else { continue };
                near.set_nodelay(true).unwrap();
                far.set_nodelay(true).unwrap();
                let (near, far) = (near.into_split(), far.into_split());
                tokio::spawn(carry(near.0, far.1, late, is_held.clone()));
                tokio::spawn(carry(far.0, near.1, late, is_held.clone()));
            }
        });
        Self { addr, held }
    }

    pub(crate) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(crate) fn let_go(&self) {
        self.held.send_replace(false);
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    late: Duration,
    mut held: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        tokio::time::sleep(late).await;
        if held.wait_for(|held| !held).await.is_err() || to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}
