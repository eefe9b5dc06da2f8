//! What a piece of the screen means. Views name a role, never a colour: the theme says how the role looks.

macro_rules! roles {
    ($($variant:ident $id:literal $kind:ident $help:literal;)*) => {
        /// What a piece of the screen means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role { $(#[doc = $help] $variant),* }

        impl Role {
            /// Every role, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name in theme files, as `selection_unfocused`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id),* }
            }

            /// What it is for, in a sentence.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help),* }
            }

            /// Whether words are written in it, so that it must be told from its background well enough to be read.
            #[must_use]
            pub fn is_text(self) -> bool {
                match self { $(Self::$variant => roles!(@text $kind)),* }
            }
        }
    };
    (@text words) => { true };
    (@text lines) => { false };
}

roles! {
    Text "text" words "Ordinary text, and the ground that the screen is painted with.";
    Dim "dim" words "What is secondary: ages, counts, explanations.";
    Heading "heading" words "A title, a column's name, a question in a dialogue.";
    Accent "accent" words "What deserves a look: a match of the filter, a number that changed.";
    Selection "selection" words "The chosen line, where the keys go to this list.";
    SelectionUnfocused "selection_unfocused" words "The chosen line, where the keys go elsewhere.";
    Border "border" lines "A border, and lines between things.";
    BorderFocused "border_focused" lines "The border of the side that the keys go to.";
    Good "good" words "All is well: a clean verdict, something that was sent.";
    Warning "warning" words "Look twice: a flagged verdict, a deadline that is near.";
    Bad "bad" words "It failed, or it must not pass: a blocked verdict, an error.";
    Flagged "flagged" words "The span of a draft that a rule found.";
    Inserted "inserted" words "Text that a person put into a draft.";
    Removed "removed" words "Text that a person took out of a draft.";
    Quote "quote" words "What somebody else wrote: the thread that is answered.";
    Link "link" words "An address.";
    Badge "badge" words "A short label on a line: a kind, a risk, a subreddit.";
    Key "key" words "A key, in the footer and in the help.";
    Toast "toast" words "A message that something was done.";
    ErrorToast "error_toast" words "A message that something failed.";
    Sandbox "sandbox" words "The label of a mode in which nothing leaves this machine: SANDBOX, DRY RUN.";
    Live "live" words "The label LIVE: what is approved is sent to the real service.";
    Paused "paused" words "The label of what is stopped: sending, an agent, a view that was frozen.";
    Pending "pending" words "What is under way: an undo window, a message that is being sent.";
    Mask "mask" lines "What other people wrote, while it is masked.";
    CursorLine "cursor_line" words "The line of the cursor in a text that is being edited.";
}

impl Role {
    /// The role of this name.
    #[must_use]
    pub fn by_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for role in Role::ALL {
            assert_eq!(Role::by_id(role.id()), Some(*role));
            assert!(role.help().ends_with('.'), "{}", role.id());
        }
        assert!(Role::Text.is_text() && !Role::Border.is_text());
    }
}
