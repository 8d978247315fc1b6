use serde_json::json;

use super::{answer, belltower, said};
use crate::support::folder::TempFolder;

#[test]
fn a_policy_is_applied_and_comes_out_as_it_went_in() {
    let folder = TempFolder::new();
    let path = folder.path().join("policy.toml");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    let file = path.to_str().unwrap();
    write(
        "note = \"秋季学期\"\n\
         [[calendar]]\nname = \"国庆节\"\nkind = \"holiday\"\nfirst = 2026-10-01\nlast = \"2026-10-07\"\n\
         [[quiet_hours]]\ndays = [\"weekend\", \"holiday\"]\ntimes = [\"22:00-09:00\"]\n\
         [frequency_cap]\nsms = 3\n",
    );
    assert_eq!(answer(&folder, &["policy", "apply", file]), {
        let added = |part: &str, line: &str| json!({"part": part, "removed": [], "added": [line]});
        json!({"version": 1, "changed": true, "changes": [
            added("calendar", "国庆节 (holiday) 2026-10-01 – 2026-10-07"),
            added("quiet_hours", "weekend, holiday / *: 22:00-09:00"),
            added("frequency_cap", "sms 3"),
        ]})
    });
    let output = belltower(&folder, &["policy", "export"], &[]);
    write(std::str::from_utf8(&output.stdout).unwrap());
    let output = belltower(&folder, &["policy", "apply", file], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.trim(), "version 1 is in force already; nothing changed");
    write("[frequency_cap]\nsms = 5\n");
    let output = belltower(&folder, &["policy", "apply", file], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    for line in ["version 2 is in force", "\n  - 国庆节 (holiday)", "\nfrequency_cap\n  - sms 3\n  + sms 5"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    write("[frequency_cap]\nsms = 3\n\n[[quiet_hours]]\ntimes = [\"22:00-09:00\"]\n");
    assert_eq!(answer(&folder, &["policy", "apply", file])["version"], 3);
    let exported = answer(&folder, &["policy", "export"]);
    assert_eq!(exported["quiet_hours"][0]["times"], json!(["22:00-09:00"]));
    assert_eq!(exported["version"], json!(3));

    write("[frequency_cap]\nsms = 0\n\n[[quiet_hours]]\ntimes = [\"25:00-07:00\"]\n");
    let output = belltower(&folder, &["policy", "apply", file], &[]);
    assert_eq!(output.status.code(), Some(1));
    for place in ["frequency_cap/sms: send a whole number from 1 to 1000 (line 2)", "(line 5)"] {
        assert!(said(&output).contains(place), "{place}: {}", said(&output));
    }
}
