//! What is written down can be read.

use std::collections::BTreeSet;

use belltower::console::audit::ACTS;

use super::rust_files;

/// Every `object.verb` in the code of the use cases has its words in the console.
#[test]
fn every_act_that_is_written_down_is_known() {
    let of: BTreeSet<_> = ACTS.iter().map(|(of, _)| *of).collect();
    let mut found = BTreeSet::new();
    for file in rust_files("src/service") {
        for literal in file.text.split('"').skip(1).step_by(2) {
            let Some((object, verb)) = literal.split_once('.') else { continue };
            let is_verb = !verb.is_empty() && verb.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
            if of.contains(object) && is_verb {
                found.insert(literal.to_owned());
                let known = ACTS.iter().any(|(of, verbs)| *of == object && verbs.contains(&verb));
                assert!(known, "{literal} in {}", file.path);
            }
        }
    }
    let known: BTreeSet<_> =
        ACTS.iter().flat_map(|(of, verbs)| verbs.iter().map(move |verb| format!("{of}.{verb}"))).collect();
    assert_eq!(known.difference(&found).collect::<Vec<_>>(), [""; 0], "nobody does these");
}
