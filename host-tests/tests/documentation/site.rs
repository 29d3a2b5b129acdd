//! The site: every document is a page of it, and its links lead somewhere once it is
//! built, too.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::document::{self, Document};
use crate::links::resolve;

const SUMMARY: &str = "docs/SUMMARY.md";

#[test]
fn every_document_is_a_page() {
    let summary = Document::read(SUMMARY);
    let listed: Vec<_> = summary
        .links
        .iter()
        .map(|link| resolve(SUMMARY, link))
        .collect();
    let different: HashSet<_> = listed.iter().cloned().collect();
    assert_eq!(different.len(), listed.len(), "a page stands twice");
    let mut documents: HashSet<_> = document::paths().into_iter().collect();
    documents.remove(SUMMARY);
    let missing: Vec<_> = documents.difference(&different).collect();
    assert!(missing.is_empty(), "not in {SUMMARY}: {missing:?}");
    let unknown: Vec<_> = different.difference(&documents).collect();
    assert!(unknown.is_empty(), "no documents: {unknown:?}");
}

/// What `docs/build` made; the test stands behind it in CI.
#[test]
fn the_built_site_has_what_it_links_to() {
    let site = components::root().join("target/book");
    if !site.exists() {
        assert!(std::env::var_os("CI").is_none(), "run docs/build first");
        let advice = "\nLEFT OUT: the site; run docs/build first";
        writeln!(std::io::stderr(), "{advice}").expect("standard error");
        return;
    }
    let mut broken = Vec::new();
    for page in pages(&site) {
        let html = fs::read_to_string(&page).expect("a page");
        for attribute in ["href=\"", "src=\""] {
            for link in html.split(attribute).skip(1) {
                let link = link.split('"').next().unwrap_or_default();
                if !leads(&page, link) {
                    broken.push(format!("{}: {link}", page.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

/// The pages of documents. The one for errors of a server takes itself to be at its root.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the site") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "html")
            && !path.ends_with("404.html")
        {
            found.push(path);
        }
    }
    found
}

fn leads(page: &Path, link: &str) -> bool {
    if link.contains(':') {
        return true;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = page.parent().expect("a folder");
    let target = if file.is_empty() {
        page.to_owned()
    } else {
        folder.join(file)
    };
    let has_anchor = || {
        let html = fs::read_to_string(&target).unwrap_or_default();
        html.contains(&format!("id=\"{anchor}\""))
    };
    target.is_file() && (anchor.is_empty() || has_anchor())
}
