use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use super::running::Running;
use super::{answer, belltower, command, http, said};
use crate::support::folder::TempFolder;

fn serve(folder: &TempFolder) -> (Running, String) {
    let mut command = command(folder, &["serve"]);
    command.env("BELLTOWER_LISTEN", "127.0.0.1:0");
    let mut server = Running::start(command);
    let line = server.line();
    let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
    (server, url)
}

#[test]
fn it_answers_once_it_says_so_and_stops_when_asked() {
    for signal in ["-TERM", "-INT"] {
        let folder = TempFolder::new();
        let (server, url) = serve(&folder);
        assert_eq!(http(&url, "GET /healthz", "", "").0, 200);
        assert_eq!(server.stop(signal).code(), Some(0));
    }
}

#[test]
fn every_role_serves_health_and_metrics() {
    for role in ["web", "dispatch", "web,dispatch"] {
        let folder = TempFolder::new();
        let mut command = command(&folder, &["serve"]);
        command.env("BELLTOWER_LISTEN", "127.0.0.1:0").env("BELLTOWER_ROLES", role);
        let mut server = Running::start(command);
        let line = server.line();
        let url = line.strip_prefix("listening on ").unwrap();
        let get = |path: &str| http(url, &format!("GET {path}"), "", "");
        assert_eq!((get("/healthz").0, get("/readyz").0), (200, 200), "{role}");
        let (status, figures) = get("/metrics");
        assert!(status == 200 && figures.contains("belltower_store_up 1"), "{role}: {figures}");
        let faces = if role == "dispatch" { 404 } else { 200 };
        assert_eq!((get("/openapi.json").0, get("/sign-in").0), (faces, faces), "{role}");
    }
}

#[test]
fn metrics_may_have_an_address_of_their_own() {
    for role in ["web", "dispatch"] {
        let folder = TempFolder::new();
        let mut command = command(&folder, &["serve"]);
        command.env("BELLTOWER_LISTEN", "127.0.0.1:0").env("BELLTOWER_ROLES", role);
        command.env("BELLTOWER_METRICS__LISTEN", "127.0.0.1:0");
        let mut server = Running::start(command);
        let (line, metrics) = (server.line(), server.line());
        let url = line.strip_prefix("listening on ").unwrap();
        let metrics = metrics.strip_prefix("metrics at ").unwrap_or_else(|| panic!("{metrics}"));
        let metrics = metrics.strip_suffix("/metrics").unwrap();
        assert_eq!(http(metrics, "GET /metrics", "", "").0, 200, "{role}");
        assert_eq!(http(url, "GET /metrics", "", "").0, 404, "{role}");
        assert_eq!(http(url, "GET /healthz", "", "").0, 200, "{role}");
        for elsewhere in ["/healthz", "/openapi.json", "/console", "/api/v1/source"] {
            assert_eq!(http(metrics, &format!("GET {elsewhere}"), "", "").0, 404, "{role}: {elsewhere}");
        }
        assert_eq!(server.stop("-TERM").code(), Some(0));
    }
}

#[test]
fn mails_that_come_back_are_taken_where_the_settings_say() {
    let folder = TempFolder::new();
    let mut command = command(&folder, &["serve"]);
    command.env("BELLTOWER_LISTEN", "127.0.0.1:0").env("BELLTOWER_EMAIL__BOUNCE_LISTEN", "127.0.0.1:0");
    let mut server = Running::start(command);
    server.line();
    let line = server.line();
    let address = line.strip_prefix("mails that come back at smtp://").unwrap_or_else(|| panic!("{line}"));
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    stream.get_mut().write_all(b"HELO relay\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n").unwrap();
    let mut lines = stream.lines().map(|line| line.unwrap());
    // Without a relay nobody knows whose address that is.
    for begins in ["220 ", "250 ", "250 ", "451 4.3.0"] {
        assert!(lines.next().is_some_and(|line| line.starts_with(begins)), "{begins}");
    }
    assert_eq!(server.stop("-TERM").code(), Some(0), "a relay that stays does not hold it up");
    assert!(lines.next().is_some_and(|line| line.starts_with("421 ")));
}

#[test]
fn an_address_for_metrics_that_is_taken_is_told() {
    let folder = TempFolder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let settings = [("BELLTOWER_LISTEN", "127.0.0.1:0"), ("BELLTOWER_METRICS__LISTEN", address.as_str())];
    let output = belltower(&folder, &["serve"], &settings);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains(&address), "{}", said(&output));
}

#[test]
fn a_second_server_on_the_same_store_is_refused_and_commands_are_not() {
    let folder = TempFolder::new();
    let (_server, _) = serve(&folder);
    let second = belltower(&folder, &["serve"], &[("BELLTOWER_LISTEN", "127.0.0.1:0")]);
    assert_eq!(second.status.code(), Some(1));
    assert!(said(&second).contains("belltower.db"), "{}", said(&second));
    answer(&folder, &["source", "list"]);
}
