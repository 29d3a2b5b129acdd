//! Links within the repository.

use crate::document::Document;

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_of_it() {
    let documents = Document::all();
    let mut broken = Vec::new();
    for document in &documents {
        for link in document.links.iter().filter(|link| is_within(link)) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                document.path.clone()
            } else {
                resolve(&document.path, file)
            };
            let leads = components::root().join(&target).exists()
                && (anchor.is_empty() || has_anchor(&documents, &target, anchor));
            if !leads {
                broken.push(format!("{}: {link}", document.path));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

fn is_within(link: &str) -> bool {
    !link.contains("://") && !link.starts_with("mailto:")
}

fn has_anchor(documents: &[Document], target: &str, anchor: &str) -> bool {
    let mut documents = documents.iter();
    documents.any(|document| document.path == target && document.anchors.contains(anchor))
}

/// The path in the repository of a file that a document at another path names.
pub(crate) fn resolve(document: &str, file: &str) -> String {
    let mut path: Vec<_> = document.split('/').collect();
    path.pop();
    for part in file.split('/') {
        match part {
            ".." => drop(path.pop()),
            "." | "" => {}
            _ => path.push(part),
        }
    }
    path.join("/")
}
