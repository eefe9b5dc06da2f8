//! Items for tests that need one and no database.

use crate::base::{Millis, PersonaId};
use crate::console::request::Case;
use crate::moderation::item::Revision;
use crate::moderation::screening::{ConsistencyResult, Outgoing, Surroundings, evaluate};
use crate::moderation::{DraftMetadata, Item, PostType, State, Verdict};
use crate::store::audit::Record;
use serde_json::Value;

pub(in crate::console) fn item(content: &str) -> Item {
    let around = Surroundings { consistency: Some(&ConsistencyResult::NotNeeded), tainted: false };
    Item {
        persona_id: PersonaId::from_stored("p".to_owned()),
        id: "00000000-0000-0000-0000-000000000001".to_owned(),
        state: State::Pending,
        version: 1,
        fence: 0,
        revision: 1,
        post_type: PostType::Comment,
        target_subreddit: "test".to_owned(),
        parent_id: None,
        thread_id: None,
        parent_author: None,
        title: None,
        content: content.to_owned(),
        verdict: Verdict::Allow,
        evaluation: evaluate(Outgoing { title: None, content: "a harmless remark" }, around),
        draft_metadata: DraftMetadata::default(),
        correlation_id: "c".to_owned(),
        return_rounds: 0,
        lease_holder: None,
        lease_until: None,
        hold_until: None,
        hold_reason: None,
        escalated_to: None,
        escalation_reason: None,
        reviewed_by: None,
        reviewed_at: None,
        approval_digest: None,
        approval_account: None,
        approval_policy: None,
        not_before: None,
        reject_code: None,
        reject_directive: None,
        reject_note: None,
        state_reason: None,
        fullname: None,
        permalink: None,
        expires_at: 1_000_000,
        next_check_at: None,
        created_at: 0,
        updated_at: 0,
    }
}

pub(in crate::console) fn case(content: &str) -> Case {
    Case {
        account: "demo".to_owned(),
        item: item(content),
        revisions: Vec::new(),
        history: Vec::new(),
        rules: Vec::new(),
        resembles: None,
        calls: Vec::new(),
        stances: Default::default(),
    }
}

pub(in crate::console) fn revision(revision: i64, content: &str, at: Millis) -> Revision {
    Revision {
        revision,
        title: None,
        content: content.to_owned(),
        author_kind: "human".to_owned(),
        author: "bea".to_owned(),
        note: None,
        created_at: at,
    }
}

pub(in crate::console) fn record(at: Millis, action: &str, detail: Value) -> Record {
    Record {
        seq: at,
        at,
        persona_id: None,
        actor_kind: "human".to_owned(),
        actor: "bea".to_owned(),
        action: action.to_owned(),
        subject_kind: "pending_post".to_owned(),
        subject_id: "x".to_owned(),
        reason: None,
        detail,
    }
}
