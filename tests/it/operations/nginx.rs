//! The settings for nginx, by nginx's own judgement: it is started by them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::deployment::{COMPOSES, texts, yaml};
use super::tools::{program, project, read, succeeds};
use crate::support::broker::until;
use crate::support::folder::TempFolder;

/// nginx's own judgement of our settings, with what Docker would put in its place put there.
#[test]
fn nginx_takes_the_settings_for_one_node_and_for_three() {
    let Some(nginx) = program("nginx", "nginx-light") else { return };
    let folder = TempFolder::new();
    let (key, cert) = (folder.path().join("privkey.pem"), folder.path().join("fullchain.pem"));
    let made = rcgen::generate_simple_self_signed(vec!["bell.example.edu".to_owned()]).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    fs::write(&cert, made.cert.pem()).unwrap();
    for upstream in ["one.conf", "three.conf"] {
        // As it is: nobody need be there whom it names.
        fs::write(folder.path().join("upstream.conf"), read(&format!("docker/nginx/{upstream}"))).unwrap();
        let text = read("docker/nginx/nginx.conf")
            .replace("/etc/nginx/upstream.conf", "upstream.conf")
            .replace("/etc/nginx/tls/", &format!("{}/", folder.path().display()))
            .replace("/var/log/nginx/", &format!("{}/", folder.path().display()))
            .replace("/tmp/nginx.pid", &format!("{}/nginx.pid", folder.path().display()));
        fs::write(folder.path().join("nginx.conf"), text).unwrap();
        let file = folder.path().join("nginx.conf");
        succeeds(Command::new(&nginx).arg("-t").arg("-q").arg("-p").arg(folder.path()).arg("-c").arg(&file));
    }
}

/// An nginx by our settings, on ports of its own, with nobody behind it unless `node` is.
struct Nginx {
    program: std::path::PathBuf,
    folder: TempFolder,
    plain: String,
    tls: String,
}

impl Nginx {
    fn start(node: Option<&str>) -> Option<Self> {
        let program = program("nginx", "nginx-light")?;
        let folder = TempFolder::new();
        let made = rcgen::generate_simple_self_signed(vec!["bell.example.edu".to_owned()]).unwrap();
        fs::write(folder.path().join("privkey.pem"), made.signing_key.serialize_pem()).unwrap();
        fs::write(folder.path().join("fullchain.pem"), made.cert.pem()).unwrap();
        let free = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let [plain, tls, nobody] = free.each_ref().map(|one| one.local_addr().unwrap().to_string());
        drop(free);
        let node = node.unwrap_or(&nobody);
        fs::write(folder.path().join("upstream.conf"), format!("upstream belltower {{ server {node}; }}"))
            .unwrap();
        let here = folder.path().display();
        let text = read("docker/nginx/nginx.conf")
            .replace("/etc/nginx/upstream.conf", "upstream.conf")
            .replace("/etc/nginx/tls/", &format!("{here}/"))
            .replace("/tmp/nginx.pid", &format!("{here}/nginx.pid"))
            .replace("/var/log/nginx/", &format!("{here}/"))
            .replace("/dev/stdout", &format!("{here}/access.log"))
            .replace("/dev/stderr", &format!("{here}/error.log"))
            // Its workers open a new log in a folder that is this test's alone.
            .replace("worker_processes auto;", "worker_processes 1;\nuser root;")
            .replace("listen 80 ", &format!("listen {plain} "))
            .replace("listen 443 ", &format!("listen {tls} "));
        fs::write(folder.path().join("nginx.conf"), text).unwrap();
        let nginx = Self { program, folder, plain, tls };
        // Once it is in the background it listens. It keeps what it is given to write to, so that nobody is to wait for its end.
        let started = nginx.command().stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(started.success(), "{}", nginx.log("error.log"));
        Some(nginx)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-p").arg(self.folder.path()).arg("-c").arg(self.folder.path().join("nginx.conf"));
        command
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.command().args(["-s", "quit"]).output());
    }
}

fn browser() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.tls_danger_accept_invalid_certs(true).build().unwrap()
}

/// What opens something is in none of nginx's logs, whether it is answered or not.
#[tokio::test]
async fn nginx_writes_no_key_down() {
    let Some(nginx) = Nginx::start(None) else { return };
    let client = browser();
    let paths = [
        "/m/hush",
        "/u/hush",
        "/u/hush/wechat?a=hush",
        "/o/hush",
        "/r/hush",
        "/r/hush/back?code=hush&state=hush",
        "/set-up?token=hush",
        "/sign-in/campus/back?code=hush&state=hush",
        "/sign-in/campus/back?ticket=ST-hush",
        "/bind/prv_1/back?code=hush",
        "/bind/signed-in?ticket=hush",
        "/callbacks/hush/hush",
    ];
    for path in paths {
        for url in [format!("https://{}{path}", nginx.tls), format!("http://{}{path}", nginx.plain)] {
            let came_from = format!("https://bell.example.edu{path}");
            let answer = client.get(&url).header("Referer", came_from).send().await.unwrap();
            assert!([301, 502].contains(&answer.status().as_u16()), "{url}: {}", answer.status());
        }
    }
    client.get(format!("https://{}/console/people?q=hush", nginx.tls)).send().await.unwrap();
    // It answers first and writes that down afterwards.
    let written = async || nginx.log("access.log").contains("/console/people").then_some(());
    until("the last one is written down", written).await;
    let (access, error) = (nginx.log("access.log"), nginx.log("error.log"));
    assert!(!access.contains("hush"), "{access}");
    assert!(!error.contains("/m/") && !error.contains("token=") && !error.contains("ticket="), "{error}");
    for known in [
        "\"GET /m/- ",
        "\"GET /u/-/wechat ",
        "\"GET /set-up ",
        "\"GET /callbacks/- ",
        "\"GET /console/people ",
        "127.0.0.1 [",
    ] {
        assert!(access.contains(known), "{known}: {access}");
    }
    assert!(error.contains("/console/people"), "what is no key is told where it fails: {error}");
}

/// One header by which browsers keep to TLS, also behind nginx.
#[tokio::test]
async fn tls_is_kept_to_by_one_header_and_its_cookies() {
    let app = crate::support::app::TestApp::start_at("https://bell.example.edu").await;
    let straight = app.plain(reqwest::Method::GET, "/sign-in").send().await.unwrap();
    let kept_to = |answer: &reqwest::Response| {
        let values = answer.headers().get_all("strict-transport-security").iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kept_to(&straight), ["max-age=31536000"]);
    let cookies: Vec<_> =
        straight.headers().get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    assert!(!cookies.is_empty());
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-bt_") && cookie.contains("; Secure"), "{cookie}");
        assert!(cookie.contains("; Path=/") && !cookie.contains("Domain"), "{cookie}");
    }
    let Some(nginx) = Nginx::start(Some(app.url.strip_prefix("http://").unwrap())) else { return };
    let answer = browser().get(format!("https://{}/sign-in", nginx.tls)).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), kept_to(&answer)), (200, vec!["max-age=31536000".to_owned()]));
}

/// However many people are behind one address, their links open; the console and the sign-in are for few.
#[tokio::test]
async fn what_few_use_is_bounded_and_what_everybody_uses_is_not_felt_to_be() {
    let Some(nginx) = Nginx::start(None) else { return };
    let ask = async |client: &reqwest::Client, path: &str| {
        let answer = client.get(format!("https://{}{path}", nginx.tls)).send().await.unwrap();
        answer.status().as_u16()
    };
    let mut most = 0;
    for path in ["/sign-in", "/sign-in/code", "/console", "/console/people/import"] {
        let (client, mut asked) = (browser(), 1);
        while ask(&client, path).await != 429 {
            asked += 1;
            assert!(asked < 5_000, "{path} is not bounded");
        }
        most = most.max(asked);
    }
    assert!(most > 100, "an office of operators would be refused: {most}");
    for path in [
        "/m/hush",
        "/r/hush",
        "/sign-in/campus/back",
        "/api/v1/messages",
        "/callbacks/a/b",
        "/console/emergency/broadcasts",
        "/api/v1/broadcasts",
    ] {
        let client = browser();
        for _ in 0..most + 100 {
            assert_eq!(ask(&client, path).await, 502, "{path}");
        }
    }
    // What is refused is told in the access log alone: the error log would have the whole request.
    assert!(!nginx.log("error.log").contains("limiting"), "{}", nginx.log("error.log"));
    let text = read("docker/nginx/nginx.conf");
    assert_eq!(text.matches("\"~^0/callbacks/\" \"\";").count(), 2, "vendors are counted nowhere");
}

/// In Docker: a file for each day, whatever it was restarted in between, and no line lost.
#[tokio::test]
async fn the_access_log_in_docker_is_turned_each_day_and_loses_no_line() {
    let script = project("docker/nginx/keep-access-log.sh");
    assert_ne!(
        fs::metadata(&script).unwrap().permissions().mode() & 0o111,
        0,
        "the image runs what may be run"
    );
    let text = read("docker/nginx/keep-access-log.sh");
    let days: u64 = text.lines().find_map(|line| line.strip_prefix("keep_days=")).unwrap().parse().unwrap();
    assert!(days >= 184, "{days}");
    for path in COMPOSES {
        let document = yaml(path);
        let mounted = texts(&document["services"]["nginx"]["volumes"]);
        let runs = "./nginx/keep-access-log.sh:/docker-entrypoint.d/50-keep-access-log.sh:ro";
        assert!(mounted.iter().any(|volume| volume == runs), "{path}: {mounted:?}");
        assert!(mounted.iter().any(|volume| volume == "access-log:/var/log/nginx"), "{path}: {mounted:?}");
    }

    let Some(nginx) = Nginx::start(None) else { return };
    let here = nginx.folder.path().to_owned();
    let look = || {
        let mut command = Command::new("sh");
        command.arg(&script).arg("once").env("ACCESS_LOG_FOLDER", &here);
        succeeds(command.env("NGINX_PID", nginx.log("nginx.pid").trim()));
    };
    let client = browser();
    let visit = async |path: &str| {
        client.get(format!("https://{}{path}", nginx.tls)).send().await.unwrap();
        let written = async || {
            let log = fs::read_to_string(here.join("belltower.log")).unwrap_or_default();
            log.contains(path).then_some(())
        };
        until("it is written down", written).await;
    };
    visit("/first").await;
    look();
    assert!(nginx.log("belltower.log").contains("/first"), "today's stays");

    // As if nginx had begun it in January: the same file, which it goes on with.
    let old = "203.0.113.9 [2026-01-02T23:59:59+08:00] \"GET /older HTTP/2.0\" 200 1 0.001 - - \"-\"\n";
    fs::write(here.join("belltower.log"), old).unwrap();
    // Its last line is older than an hour, as after a quiet evening.
    let begun = fs::File::options().append(true).open(here.join("belltower.log")).unwrap();
    begun.set_modified(begun.metadata().unwrap().modified().unwrap() - Duration::from_hours(2)).unwrap();
    fs::write(here.join("belltower-2026-01-02.log"), "of the same day, before\n").unwrap();
    let aged = |name: &str, age: u64| {
        let file = fs::File::create(here.join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - Duration::from_hours(24 * age)).unwrap();
    };
    aged("belltower-2025-01-01.log.gz", days + 2);
    aged("belltower-2025-06-01.log.gz", 184);
    aged("belltower-2025-12-01.log", 1);
    look();
    assert_eq!(nginx.log("belltower-2026-01-02.2.log"), old);
    assert!(nginx.log("belltower-2026-01-02.log").contains("before"), "none is written over");
    let is_there = |name: &str| here.join(name).exists();
    assert!(!is_there("belltower-2025-01-01.log.gz"), "kept for ever");
    assert!(is_there("belltower-2025-06-01.log.gz"), "removed before six months are over");
    assert!(is_there("belltower-2025-12-01.log.gz") && !is_there("belltower-2025-12-01.log"));

    let opened = async || is_there("belltower.log").then_some(());
    until("it opens a new file", opened).await;
    // Its worker may write to the old one until it has heard of it.
    let all = async || {
        client.get(format!("https://{}/second", nginx.tls)).send().await.unwrap();
        nginx.log("belltower.log").contains("/second").then_some(())
    };
    until("it writes to the new file", all).await;
}

/// Six months and some days, by logrotate's own judgement where it is here.
#[test]
fn the_access_log_is_kept_for_six_months() {
    let text = read("docker/logrotate/belltower-nginx");
    let days: u32 =
        text.lines().find_map(|line| line.trim().strip_prefix("rotate ")).unwrap().parse().unwrap();
    assert!(text.contains("    daily\n") && days >= 184, "{days}");
    let Some(logrotate) = program("logrotate", "logrotate") else { return };
    let folder = TempFolder::new();
    let file = folder.path().join("belltower-nginx");
    fs::write(&file, text.replace("www-data adm", "root root")).unwrap();
    let said = succeeds(
        Command::new(logrotate).arg("--debug").arg(&file).arg("--state").arg(folder.path().join("state")),
    );
    assert!(!said.contains("error:"), "{said}");
}
