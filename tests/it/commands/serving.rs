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
fn a_second_server_on_the_same_store_is_refused_and_commands_are_not() {
    let folder = TempFolder::new();
    let (_server, _) = serve(&folder);
    let second = belltower(&folder, &["serve"], &[("BELLTOWER_LISTEN", "127.0.0.1:0")]);
    assert_eq!(second.status.code(), Some(1));
    assert!(said(&second).contains("belltower.db"), "{}", said(&second));
    answer(&folder, &["source", "list"]);
}
