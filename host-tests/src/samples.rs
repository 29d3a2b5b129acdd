//! The messages in `samples/`, and the one that is completed by a generated PDF.

use std::path::PathBuf;

/// A sample by the name of its file.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its file's name.
    pub name: String,
    /// Its content.
    pub message: Vec<u8>,
}

/// Where the samples lie.
#[must_use]
pub fn folder() -> PathBuf {
    components::root().join("samples")
}

/// Every sample, in the order of their names, the large one last.
///
/// # Panics
/// If the folder cannot be read.
#[must_use]
pub fn all() -> Vec<Sample> {
    let entries = std::fs::read_dir(folder()).expect("the samples");
    let mut samples: Vec<_> = entries
        .map(|entry| entry.expect("a sample").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hl7"))
        .map(|path| Sample {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            message: std::fs::read(&path).expect("a sample"),
        })
        .collect();
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    samples.push(document());
    samples
}

/// The MDM T02 message, whose OBX-5 holds a PDF of about a megabyte.
fn document() -> Sample {
    let template = std::fs::read_to_string(folder().join("mdm_t02.hl7.in")).expect("the template");
    let pdf = data_encoding::BASE64.encode(&pdf(786_000));
    Sample {
        name: "mdm_t02.hl7".to_owned(),
        message: template.replace("@PDF@", &pdf).into_bytes(),
    }
}

/// A PDF of one blank page, `padding` bytes of comment and a true index.
fn pdf(padding: usize) -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ];
    let mut pdf = b"%PDF-1.4\n".to_vec();
    while pdf.len() < padding {
        pdf.extend_from_slice(b"% synthetic document, nobody's results, padding only\n");
    }
    let mut index = String::from("0000000000 65535 f \n");
    for (number, object) in (1..).zip(objects) {
        index.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let start = pdf.len();
    let size = objects.len() + 1;
    pdf.extend_from_slice(
        format!(
            "xref\n0 {size}\n{index}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
        )
        .as_bytes(),
    );
    pdf
}
