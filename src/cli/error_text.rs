//! The text of an error for people.

/// The messages of an error and of its causes, each once: those of a database error contain the text of their cause.
pub fn error_text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for message in error.chain().map(ToString::to_string) {
        if text.contains(&message) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&message);
    }
    text
}

#[cfg(test)]
mod tests {
    use sea_orm::{DbErr, sqlx};

    use super::error_text;

    #[test]
    fn a_cause_whose_text_was_said_is_not_repeated() {
        let cause = DbErr::Query(sea_orm::RuntimeErr::SqlxError(sqlx::Error::RowNotFound.into()));
        let error = anyhow::Error::new(cause).context("cannot read the schema");
        let text = error_text(&error);
        assert!(text.starts_with("cannot read the schema: "), "{text}");
        assert_eq!(text.matches("no rows returned").count(), 1, "{text}");
        let other = anyhow::anyhow!("the disk is full").context("nothing was stored");
        assert_eq!(error_text(&other), "nothing was stored: the disk is full");
    }
}
