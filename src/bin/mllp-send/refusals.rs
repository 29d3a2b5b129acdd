//! Refusals: how they are written down, and which of them mean "later".

use std::str::FromStr;

use mllp_client::proto::ack::ErrorDetail;
use mllp_client::proto::exchange::{Commit, Reply};

/// How many error codes of a reply are written down.
const ERRORS_MAX: usize = 8;

/// Refusals of one kind: by MSA-1, and by an error where one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: String,
    error: Option<String>,
}

impl Refusal {
    /// Whether a refusal that was written down as `reason` is of this kind.
    pub(crate) fn is(&self, reason: &str) -> bool {
        let (code, errors) = reason.split_once(':').unwrap_or((reason, ""));
        let has = |error: &String| errors.split(',').any(|one| one == error);
        code == self.code && self.error.as_ref().is_none_or(has)
    }
}

impl FromStr for Refusal {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ADVICE: &str = "write AE, AR, CE or CR, or with an error as in AE:206";
        let (code, error) = match text.split_once(':') {
            Some((_, "")) => return Err(ADVICE),
            Some((code, error)) => (code, Some(error.to_owned())),
            None => (text, None),
        };
        if !["AE", "AR", "CE", "CR"].contains(&code) {
            return Err(ADVICE);
        }
        let code = code.to_owned();
        Ok(Self { code, error })
    }
}

/// What a verdict rests on: MSA-1, or a commit block in hexadecimal; of a refusal
/// with the codes of its errors, as in `AE:206,L5`.
pub(crate) fn reason(reply: &Reply) -> String {
    let Some(acknowledgment) = &reply.acknowledgment else {
        return match reply.commit {
            Some(Commit::Positive) => "06".to_owned(),
            Some(Commit::Negative) => "15".to_owned(),
            None => "-".to_owned(),
        };
    };
    let mut reason = acknowledgment.code.letters().to_owned();
    let errors = reply.errors.iter().flat_map(codes).take(ERRORS_MAX);
    for (separator, code) in [":"].into_iter().chain(std::iter::repeat(",")).zip(errors) {
        reason.push_str(separator);
        reason.push_str(code);
    }
    reason
}

fn codes(error: &ErrorDetail) -> impl Iterator<Item = &String> {
    [&error.code, &error.application_code].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::Refusal;

    fn is(kind: &str, reason: &str) -> bool {
        kind.parse::<Refusal>().unwrap().is(reason)
    }

    #[test]
    fn a_code_alone_is_any_refusal_with_it() {
        assert!(is("AE", "AE"));
        assert!(is("AE", "AE:101,206"));
        assert!(!is("AE", "AR"));
        assert!(!is("AE", "15"));
    }

    #[test]
    fn an_error_must_be_among_the_replys() {
        assert!(is("AE:206", "AE:101,206"));
        assert!(is("AE:206", "AE:206"));
        for reason in ["AE", "AE:2060", "AE:20", "AR:206", "AE:101"] {
            assert!(!is("AE:206", reason), "{reason}");
        }
    }

    #[test]
    fn what_is_no_refusal_is_told_what_to_write() {
        for text in ["", "AA", "CA", "ae", "AE:", ":206", "AEX", "15"] {
            let advice = text.parse::<Refusal>().unwrap_err();
            assert!(advice.contains("AE:206"), "{text}");
        }
    }
}
