//! Everything that can be done in the console, declared once: keymaps bind these, and help, palette, footer and documents are made from them.

/// Where an action makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// Among the beliefs of a persona.
    Beliefs,
    /// Among the numbers of the ledger, and on the calls behind one.
    Gauges,
    /// On the board of health, and in a line's history.
    Health,
    /// In the list of the queue, and wherever an item is at hand.
    Queue,
    /// In the search, on its results and on the document at hand.
    Search,
    /// Whatever scrolls: a list, the text of a case, a help page, a log.
    Text,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 7] = [Self::Global, Self::Beliefs, Self::Gauges, Self::Health, Self::Queue, Self::Search, Self::Text];

    /// The word in keymaps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Beliefs => "beliefs",
            Self::Gauges => "gauges",
            Self::Health => "health",
            Self::Queue => "queue",
            Self::Search => "search",
            Self::Text => "text",
        }
    }
}

macro_rules! actions {
    ($($variant:ident $id:literal $scope:ident $title:literal $help:literal $(, $destructive:ident)?;)*) => {
        /// Something that can be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $(#[doc = $help] $variant),* }

        impl Action {
            /// Every action, in the order of the help.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name in keymaps, as `queue.approve`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id),* }
            }

            /// A word or two for the footer and the palette.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }

            /// What it does, in a sentence.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help),* }
            }

            /// Where it makes sense.
            #[must_use]
            pub fn scope(self) -> Scope {
                match self { $(Self::$variant => Scope::$scope),* }
            }

            /// Whether it asks before it is done.
            #[must_use]
            pub fn is_destructive(self) -> bool {
                match self { $(Self::$variant => false $(|| { let $destructive = true; $destructive })?),* }
            }
        }
    };
}

actions! {
    Help "app.help" Global "keys" "Show the keys of this screen.";
    Palette "app.palette" Global "commands" "Find any action by its name and do it.";
    Quit "app.quit" Global "quit" "Leave the console. Agents that run elsewhere go on.";
    Back "app.back" Global "back" "Leave what is open: a dialogue, the case, a filter.";
    NextTab "app.next_tab" Global "next tab" "Go to the next tab.";
    PreviousTab "app.previous_tab" Global "previous tab" "Go to the tab before.";
    BeliefsTab "app.beliefs" Global "beliefs" "Go to the beliefs.";
    GaugesTab "app.gauges" Global "gauges" "Go to the gauges: cost, latency, budgets.";
    HealthTab "app.health" Global "health" "Go to the health: what is broken, since when, what to do next.";
    QueueTab "app.queue" Global "queue" "Go to the queue.";
    Persona "app.persona" Global "persona" "Choose whose items are shown.";
    Search "app.search" Global "search" "Search over everything that was said, believed, drafted, decided and noted.";
    Audit "app.audit" Global "audit log" "Show who did what: filter it, see before and after, go to the item, verify the log.";
    Messages "app.messages" Global "messages" "Show what the console said.";
    KillSwitch "app.kill_switch" Global "stop all sending" "Stop all sending, for every persona, at once. It is undone by the same key.", asks;
    Mouse "app.mouse" Global "mouse" "Let the terminal have the mouse, or take it back.";
    Suspend "app.suspend" Global "suspend" "Put the console into the background of the shell.";
    Redraw "app.redraw" Global "redraw" "Draw the screen anew.";

    Down "move.down" Text "down" "One down.";
    Up "move.up" Text "up" "One up.";
    PageDown "move.page_down" Text "page down" "One page down.";
    PageUp "move.page_up" Text "page up" "One page up.";
    First "move.first" Text "first" "To the first.";
    Last "move.last" Text "last" "To the last.";
    Pane "move.pane" Text "other pane" "To the other side: list or case.";

    BeliefOpen "beliefs.open" Beliefs "open" "Go into the belief; in its graph, walk along the edge to the belief that the keys are on.";
    BeliefWalkBack "beliefs.walk_back" Beliefs "walk back" "Go back along the way that was walked in the graph.";
    BeliefGraph "beliefs.graph" Beliefs "graph" "Draw what lies around the belief, or show the belief itself.";
    BeliefMoreHops "beliefs.more_hops" Beliefs "further" "Draw the graph one edge further.";
    BeliefFewerHops "beliefs.fewer_hops" Beliefs "less far" "Draw the graph one edge less far.";
    BeliefDifference "beliefs.difference" Beliefs "changes" "Show what changed from the time looked at to now; from the present, in the last week.";
    BeliefFilter "beliefs.filter" Beliefs "filter" "Filter the table: words of titles and tags, `tag:`, `confidence>0.8`, `confidence<0.3`, `is:`.";
    BeliefSort "beliefs.sort" Beliefs "order" "Order the table by the next column.";
    BeliefReverse "beliefs.reverse" Beliefs "turn order" "Turn the order of the table round.";
    BeliefEarlier "beliefs.earlier" Beliefs "day back" "Show everything as it was a day earlier.";
    BeliefLater "beliefs.later" Beliefs "day on" "Show everything as it was a day later.";
    BeliefWeekEarlier "beliefs.week_earlier" Beliefs "week back" "Show everything as it was a week earlier.";
    BeliefWeekLater "beliefs.week_later" Beliefs "week on" "Show everything as it was a week later.";
    BeliefNow "beliefs.now" Beliefs "now" "Return to the present.";
    BeliefCreate "beliefs.create" Beliefs "new belief" "Make a belief with its first stance.";
    BeliefConfidence "beliefs.confidence" Beliefs "confidence" "Set exactly how sure the persona is.";
    BeliefStance "beliefs.stance" Beliefs "stance" "Change what the persona says about it.";
    BeliefTitle "beliefs.title" Beliefs "title" "Change its title.";
    BeliefSummary "beliefs.summary" Beliefs "summary" "Change its summary.";
    BeliefTags "beliefs.tags" Beliefs "tags" "Change its tags.";
    BeliefNudgeUp "beliefs.nudge_up" Beliefs "nudge up" "Make the persona a little surer; 2 before the key moderately, 3 strongly.";
    BeliefNudgeDown "beliefs.nudge_down" Beliefs "nudge down" "Make the persona a little less sure; 2 before the key moderately, 3 strongly.";
    BeliefLock "beliefs.lock" Beliefs "lock" "Lock its stance, so that nothing moves it.";
    BeliefUnlock "beliefs.unlock" Beliefs "unlock" "Unlock its stance.";
    BeliefLink "beliefs.link" Beliefs "link" "Join it to another belief by an edge.";
    BeliefUnlink "beliefs.unlink" Beliefs "unlink" "Take one of its edges away.";
    BeliefAccept "beliefs.accept" Beliefs "accept" "Accept a suggestion that waits at it: an edge, or a conflict that lowers it.";
    BeliefRefuse "beliefs.refuse" Beliefs "refuse" "Refuse a suggestion that waits at it.";
    BeliefUndo "beliefs.undo" Beliefs "undo" "Take its newest change back, by another change the other way.";
    BeliefRefresh "beliefs.refresh" Beliefs "refresh" "Read the beliefs again.";

    GaugesOpen "gauges.open" Gauges "open" "Show the calls behind the number; of a call what belongs to it; from there its draft.";
    GaugesNext "gauges.next" Gauges "next number" "Go to the next number of the line.";
    GaugesPrevious "gauges.previous" Gauges "number before" "Go to the number before.";
    GaugesLonger "gauges.longer" Gauges "longer" "Look at a longer span: now, hour, day, week, month.";
    GaugesShorter "gauges.shorter" Gauges "shorter" "Look at a shorter span.";
    GaugesEarlier "gauges.earlier" Gauges "back" "Go one span back in time.";
    GaugesLater "gauges.later" Gauges "on" "Go one span on in time.";
    GaugesNow "gauges.now" Gauges "now" "Return to the present.";
    GaugesSpan "gauges.span" Gauges "own span" "Type since when and until when.";
    GaugesPause "gauges.pause" Gauges "pause" "Let the numbers stand still, or go on.";
    GaugesBy "gauges.by" Gauges "divide" "Divide the table by the next: model, module, persona, category.";
    GaugesSort "gauges.sort" Gauges "order" "Order the table by the next: cost, calls, errors, latency, name.";
    GaugesDraft "gauges.draft" Gauges "draft" "Open the draft that came of the call in the queue.";
    GaugesExport "gauges.export" Gauges "export" "Write what is shown into a new file: CSV or JSON.";
    GaugesCopy "gauges.copy" Gauges "copy" "Copy the line, or the call, to the terminal's clipboard.";
    GaugesCopyId "gauges.copy_id" Gauges "copy id" "Copy the id of the call to the terminal's clipboard.";
    GaugesRefresh "gauges.refresh" Gauges "refresh" "Read the numbers again.";

    HealthOpen "health.open" Health "open" "Show the line's history and what changed in the hour before; fold or unfold a system.";
    HealthNext "health.next" Health "next trouble" "Go to the next line that is not healthy.";
    HealthRemedy "health.remedy" Health "do the remedy" "Do what stands at the bottom as the first thing to try, where the console can do it.";
    HealthFold "health.fold" Health "fold" "Fold the system at hand, or unfold it.";
    HealthFoldAll "health.fold_all" Health "fold all" "Fold every system, or unfold every one.";
    HealthFilter "health.filter" Health "filter" "Filter the board: words of names and reasons, `is:`, `kind:`.";
    HealthCheck "health.check" Health "check now" "Probe the target at hand now; a part of the deck is looked at again.";
    HealthPauseProbe "health.pause_probe" Health "pause, resume" "Pause the probe or the heartbeat at hand, or resume it.", asks;
    HealthCheckDatabase "health.check_database" Health "check database" "Check the whole database: integrity, foreign keys, schema.";
    HealthVerifyAudit "health.verify_audit" Health "verify audit" "Walk the chain of the audit log.";
    HealthVerifyIndex "health.verify_index" Health "verify index" "Compare the index with an exact search.";
    HealthRebuildIndex "health.rebuild_index" Health "rebuild index" "Throw the index away and make it anew.", asks;
    HealthBackUp "health.back_up" Health "back up" "Make a backup and verify it.", asks;
    HealthDrill "health.drill" Health "drill" "Restore the newest backup into a scratch place and try it.", asks;
    HealthCheckpoint "health.checkpoint" Health "checkpoint" "Take the write-ahead log into the database's file.", asks;
    HealthPauseSending "health.pause_sending" Health "pause sending" "Stop all sending, or send again.", asks;
    HealthStop "health.stop" Health "stop the work" "Stop the care that is under way, where it can end cleanly.";
    HealthNote "health.note" Health "note" "Note what happened, so that it stands among what changed.";
    HealthCopy "health.copy" Health "copy command" "Copy the command of the remedy, else the line, to the terminal's clipboard.";
    HealthRefresh "health.refresh" Health "refresh" "Read the board again.";

    Open "queue.open" Queue "open" "Open the item and claim it, so that nobody else decides it meanwhile.";
    Approve "queue.approve" Queue "approve" "Approve the item and go to the next one. It is sent when its undo window is over.";
    ApproveStay "queue.approve_stay" Queue "approve, stay" "Approve the item and stay on it.";
    Reject "queue.reject" Queue "reject" "Reject the item: choose why, and what the agent does then.";
    Edit "queue.edit" Queue "edit" "Change the text here. It is screened again while you type.";
    EditOutside "queue.edit_outside" Queue "edit in $EDITOR" "Change the text in your own editor.";
    Difference "queue.difference" Queue "difference" "Show what people changed of the draft.";
    Return "queue.return" Queue "return" "Send it back to the agent with a note.";
    Hold "queue.hold" Queue "hold" "Set it aside for some time, with a reason.";
    Escalate "queue.escalate" Queue "escalate" "Pass it on to a person who has to decide it.";
    Skip "queue.skip" Queue "skip" "Pass it over: it is not listed for you any more.";
    Claim "queue.claim" Queue "claim/release" "Claim the item, or give it back.";
    Undo "queue.undo" Queue "undo" "Take your newest approval back before it leaves.";
    Rules "queue.rules" Queue "rules" "Show what each rule found, and where.";
    Beliefs "queue.beliefs" Queue "beliefs" "Show the beliefs it leans on, and what it would change.";
    Thread "queue.thread" Queue "thread" "Show the thread that is answered.";
    Mask "queue.mask" Queue "mask" "Mask what other people wrote, or show it.";
    Copy "queue.copy" Queue "copy" "Copy the draft to the terminal's clipboard.";
    Link "queue.link" Queue "link" "Show the link of what is answered.";
    Mark "queue.mark" Queue "mark" "Mark the item for a bulk decision.";
    MarkAlike "queue.mark_alike" Queue "mark alike" "Mark every item shown that has the same verdict, state and subreddit.";
    Filter "queue.filter" Queue "filter" "Filter the list: words of the text, or `subreddit:`, `verdict:`, `state:`, `rule:`, `author:`, `is:`.";
    SavedFilters "queue.saved_filters" Queue "saved filters" "Choose a filter that was saved, or save this one.";
    Sort "queue.sort" Queue "sort" "Oldest, newest, or first to expire.";
    Columns "queue.columns" Queue "columns" "Choose the columns of the list; the choice is remembered.";
    Metrics "queue.metrics" Queue "metrics" "Show the numbers of the queue.";
    Refresh "queue.refresh" Queue "refresh" "Read the list again.";

    SearchField "search.field" Search "question" "Go to the question and change it.";
    SearchOpen "search.open" Search "open" "Open it where it belongs: an item in the queue, a belief in its graph, anything else with its whole text.";
    SearchText "search.text" Search "text" "Show its whole text, or everything about it again.";
    SearchThread "search.thread" Search "thread" "Show what it answers and what answers it.";
    SearchSimilar "search.similar" Search "similar" "Ask for what is similar in meaning. The question of before comes back with esc.";
    SearchNarrow "search.narrow" Search "narrow" "Choose kinds, personas and subreddits of the results; they are written into the question.";
    SearchWiden "search.widen" Search "widen" "Take kinds, personas and subreddits out of the question.";
    SearchSaved "search.saved" Search "saved searches" "Choose a search that was saved, or save this one.";
    SearchCopy "search.copy" Search "copy" "Copy the extract to the terminal's clipboard.";
    SearchCopyId "search.copy_id" Search "copy id" "Copy the id to the terminal's clipboard.";
    SearchExport "search.export" Search "export" "Write the results that were read so far into a new file: JSON lines or Markdown.";
    SearchRefresh "search.refresh" Search "refresh" "Show what is new; ask again.";
}

impl Action {
    /// Whether it changes something of the deck. What only a person keeps for themselves, as a saved filter or an export, is none of it.
    #[must_use]
    pub fn changes(self) -> bool {
        match self.scope() {
            Scope::Global => self == Self::KillSwitch,
            Scope::Beliefs => matches!(
                self,
                Self::BeliefCreate
                    | Self::BeliefConfidence
                    | Self::BeliefStance
                    | Self::BeliefTitle
                    | Self::BeliefSummary
                    | Self::BeliefTags
                    | Self::BeliefNudgeUp
                    | Self::BeliefNudgeDown
                    | Self::BeliefLock
                    | Self::BeliefUnlock
                    | Self::BeliefLink
                    | Self::BeliefUnlink
                    | Self::BeliefAccept
                    | Self::BeliefRefuse
                    | Self::BeliefUndo
            ),
            Scope::Health => !matches!(
                self,
                Self::HealthOpen
                    | Self::HealthNext
                    | Self::HealthFold
                    | Self::HealthFoldAll
                    | Self::HealthFilter
                    | Self::HealthStop
                    | Self::HealthCopy
                    | Self::HealthRefresh
            ),
            Scope::Queue => matches!(
                self,
                Self::Approve
                    | Self::ApproveStay
                    | Self::Reject
                    | Self::Edit
                    | Self::EditOutside
                    | Self::Return
                    | Self::Hold
                    | Self::Escalate
                    | Self::Skip
                    | Self::Claim
                    | Self::Undo
            ),
            Scope::Gauges | Scope::Search | Scope::Text => false,
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn by_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for action in Action::ALL {
            assert_eq!(Action::by_id(action.id()), Some(*action));
            assert!(!action.title().is_empty() && action.help().ends_with('.'), "{}", action.id());
        }
        assert!(Action::KillSwitch.is_destructive() && !Action::Approve.is_destructive());
    }
}
