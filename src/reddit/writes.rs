//! Everything that is written. One request each, never sent again by this room; what became of it is a [`WriteOutcome`].

use super::answer::failure;
use super::classify::{Action, classify};
use super::client::{Client, NoAnswer};
use super::error::{Error, Result};
use super::names;
use super::outcome::WriteOutcome;
use super::submission::{Submission, delete_refused_here, edit_refused_here, reply_refused_here};

impl Client {
    /// Submit a new post. A link that is there already is refused: [`super::RefusalClass::ConfirmedIfOurs`].
    pub async fn submit(&self, submission: &Submission) -> WriteOutcome {
        match submission.refused_here() {
            Some(refused) => refused,
            None => self.write(Action::Submit, "/api/submit", &submission.form()).await,
        }
    }

    /// Reply to a post or comment, named by its fullname.
    pub async fn reply(&self, parent: &str, text: &str) -> WriteOutcome {
        if let Some(refused) = reply_refused_here(parent, text) {
            return refused;
        }
        let form = [("api_type", "json".to_owned()), ("text", text.to_owned()), ("thing_id", parent.to_owned())];
        self.write(Action::Reply { parent }, "/api/comment", &form).await
    }

    /// Give a post or comment of ours a new text.
    pub async fn edit(&self, fullname: &str, text: &str) -> WriteOutcome {
        if let Some(refused) = edit_refused_here(fullname, text) {
            return refused;
        }
        let form = [
            ("api_type", "json".to_owned()),
            ("text", text.to_owned()),
            ("thing_id", fullname.to_owned()),
            ("validate_on_submit", "true".to_owned()),
        ];
        self.write(Action::Edit { fullname }, "/api/editusertext", &form).await
    }

    /// Delete a post or comment of ours. Reddit answers the same when nothing changed: look with [`Client::info`] whether its author is gone.
    pub async fn delete(&self, fullname: &str) -> WriteOutcome {
        if let Some(refused) = delete_refused_here(fullname) {
            return refused;
        }
        let form = [("api_type", "json".to_owned()), ("id", fullname.to_owned())];
        self.write(Action::Delete { fullname }, "/api/del", &form).await
    }

    async fn write(&self, action: Action<'_>, path: &str, form: &[(&str, String)]) -> WriteOutcome {
        // The limit on an account is for what it posts; taking back is always allowed.
        if matches!(action, Action::Submit | Action::Reply { .. })
            && let Some(wait) = self.account_pause_left()
        {
            return WriteOutcome::NotSent { reason: "Reddit lets this account post nothing for now".to_owned(), not_before: Some(wait) };
        }
        let outcome = match self.post(path, form).await {
            Ok(answer) => classify(action, &answer),
            Err(NoAnswer::NotSent { error }) => WriteOutcome::NotSent { not_before: error.wait(), reason: error.to_string() },
            Err(NoAnswer::Lost { reason }) => WriteOutcome::Unknown { reason: format!("the answer was lost: {reason}") },
        };
        if let WriteOutcome::Refused { pause: Some(pause), .. } = &outcome {
            self.pause_account(*pause);
        }
        outcome
    }

    /// Mark messages as read, 25 a call. Doing it twice changes nothing, so whoever gets an error may call again.
    ///
    /// # Errors
    /// See [`Client::me`]; [`Error::Unavailable`] when an answer was lost. Messages of earlier calls stay marked.
    pub async fn mark_read(&self, fullnames: &[&str]) -> Result<()> {
        const PATH: &str = "/api/read_message";
        const WHAT: &str = "POST /api/read_message";
        for name in fullnames {
            names::fullname(WHAT, name, &["t1", "t4"])?;
        }
        for part in fullnames.chunks(names::READ_IDS_PER_CALL) {
            match self.post(PATH, &[("api_type", "json".to_owned()), ("id", part.join(","))]).await {
                Ok(answer) if answer.is_success() => {}
                Ok(answer) => return Err(failure(WHAT, &answer)),
                Err(NoAnswer::NotSent { error }) => return Err(error),
                Err(NoAnswer::Lost { reason }) => return Err(Error::Unavailable { what: WHAT.to_owned(), reason }),
            }
        }
        Ok(())
    }
}
