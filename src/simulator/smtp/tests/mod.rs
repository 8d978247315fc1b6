//! The relay as a client meets it, over raw sockets.

mod conversation;
mod faults;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use super::*;

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

struct Client {
    stream: BufStream<Box<dyn Socket>>,
}

impl Client {
    fn over(stream: impl Socket + 'static) -> Self {
        Self { stream: BufStream::new(Box::new(stream)) }
    }

    async fn connect(relay: &SmtpSimulator) -> Self {
        Self::over(TcpStream::connect(relay.addr()).await.unwrap())
    }

    /// Past banner and EHLO.
    async fn greeted(relay: &SmtpSimulator) -> Self {
        let mut client = Self::connect(relay).await;
        assert!(client.reply().await.starts_with("220 "));
        assert!(client.ask("EHLO me").await.starts_with("250-"));
        client
    }

    /// All lines of one answer; empty when the relay closed in good order, an error's kind when it did not.
    async fn reply(&mut self) -> String {
        let mut answer = String::new();
        loop {
            let from = answer.len();
            match self.stream.read_line(&mut answer).await {
                Err(error) => return format!("{:?}", error.kind()),
                Ok(0) => return answer,
                Ok(_) if answer.as_bytes().get(from + 3) == Some(&b'-') => {}
                Ok(_) => return answer,
            }
        }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    async fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n")).await;
        self.reply().await
    }

    /// Each line in turn must be answered with this beginning.
    async fn dialog(&mut self, lines: &[(&str, &str)]) {
        for (line, begins) in lines {
            let answer = self.ask(line).await;
            assert!(answer.starts_with(begins), "{line}: {answer:?}, not {begins}");
        }
    }

    /// Sends a mail with its commands pipelined; gives the last answer.
    async fn mail(&mut self, to: &str, id: &str) -> String {
        let commands = format!("MAIL FROM:<a@b.example>\r\nRCPT TO:<{to}>\r\nDATA\r\n");
        self.send(commands).await;
        for _ in 0..2 {
            self.reply().await;
        }
        let go = self.reply().await;
        if !go.starts_with("354") {
            return go;
        }
        self.ask(&format!("Message-ID: <{id}>\r\nSubject: {id}\r\n\r\nhello\r\n.")).await
    }
}

async fn relay() -> SmtpSimulator {
    SmtpSimulator::start(SmtpOptions::default()).await.unwrap()
}

async fn faulty(faults: Faults) -> SmtpSimulator {
    SmtpSimulator::start(SmtpOptions { faults, ..SmtpOptions::default() }).await.unwrap()
}
