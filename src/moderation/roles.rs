//! Who may do what: four roles, and the one question that every decision asks in its own transaction.
//!
//! While nobody is listed, the installation has one operator, and everybody may do everything. As soon as one person is listed, whoever is
//! not is a watcher, unless an admin said otherwise. The roles stand in the database and not in a settings file: whoever shares the queue
//! would write their own file. A name is a claim, not a proof: who may open the database may also claim a name.

use super::error::{Error, Result};
use crate::base::Millis;
use crate::store::audit::{self, Actor, ActorKind};
use crate::store::{Conn, feed};
use crate::vals;
use serde::Serialize;
use serde_json::{Value, json};

/// The entry for whoever is not listed.
const UNLISTED: &str = "*";

/// What a person is in the team. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Watcher,
    /// Decides about drafts, and takes the own decision back.
    Reviewer,
    /// Also decides what is harder: blocked drafts, lost deliveries, what others hold or approved, what was sent.
    Senior,
    /// Also says who is what, which rules are on, and what runs without a person.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 4] = [Self::Watcher, Self::Reviewer, Self::Senior, Self::Admin];

    /// The word in the database and in commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Watcher => "watcher",
            Self::Reviewer => "reviewer",
            Self::Senior => "senior",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("{text:?} is none of watcher, reviewer, senior, admin"))
    }
}

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// The ordinary decisions about drafts, and taking the own approval back.
    Decide,
    /// Stopping all sending: the brake is within reach of whoever decides.
    Pause,
    /// Letting a blocked text pass.
    Override,
    /// Throwing a blocked draft away.
    Discard,
    /// Saying what became of a delivery that reading could not resolve.
    Resolve,
    /// Taking back what somebody else approved.
    UndoOthers,
    /// Giving back what somebody else has claimed.
    ReleaseOthers,
    /// Deciding what was passed on to somebody else.
    DecideEscalated,
    /// Deleting or changing what was sent.
    Retract,
    /// Keeping cases whose right decision is known.
    Golden,
    /// Adding a persona, or changing how it speaks and where.
    Personas,
    /// Naming roles.
    Roles,
    /// Turning rules on and off.
    Rules,
    /// Letting a persona post without a person.
    AutoPosting,
    /// Sending again after a pause.
    Resume,
    /// Recording that the terms were read.
    Acknowledge,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 16] = [
        Self::Decide,
        Self::Pause,
        Self::Override,
        Self::Discard,
        Self::Resolve,
        Self::UndoOthers,
        Self::ReleaseOthers,
        Self::DecideEscalated,
        Self::Retract,
        Self::Golden,
        Self::Personas,
        Self::Roles,
        Self::Rules,
        Self::AutoPosting,
        Self::Resume,
        Self::Acknowledge,
    ];

    /// The least role that has it.
    #[must_use]
    pub fn needs(self) -> Role {
        match self {
            Self::Decide | Self::Pause => Role::Reviewer,
            Self::Override
            | Self::Discard
            | Self::Resolve
            | Self::UndoOthers
            | Self::ReleaseOthers
            | Self::DecideEscalated
            | Self::Retract
            | Self::Golden
            | Self::Personas => Role::Senior,
            Self::Roles | Self::Rules | Self::AutoPosting | Self::Resume | Self::Acknowledge => Role::Admin,
        }
    }

    /// What it is, as the subject of a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Decide => "deciding about drafts",
            Self::Pause => "stopping all sending",
            Self::Override => "overriding a block",
            Self::Discard => "discarding a blocked draft",
            Self::Resolve => "resolving a lost delivery",
            Self::UndoOthers => "taking back what somebody else approved",
            Self::ReleaseOthers => "releasing what somebody else has claimed",
            Self::DecideEscalated => "deciding what was passed on to somebody else",
            Self::Retract => "deleting or changing what was sent",
            Self::Golden => "keeping golden cases",
            Self::Personas => "changing a persona",
            Self::Roles => "naming roles",
            Self::Rules => "turning rules on and off",
            Self::AutoPosting => "letting a persona post without a person",
            Self::Resume => "sending again after a pause",
            Self::Acknowledge => "recording that the terms were read",
        }
    }
}

/// A person of the team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// The name they decide under.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// Who listed them.
    pub added_by: String,
    /// When.
    pub added_at: Millis,
    /// When their role changed last.
    pub changed_at: Millis,
}

/// The team as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Team {
    /// Who is listed, by name.
    pub members: Vec<Member>,
    /// What whoever is not listed may do; `None` while nobody is listed, and everybody may do everything.
    pub unlisted: Option<Role>,
}

impl Team {
    /// The role of a name; `None` while nobody is listed.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<Role> {
        self.members.iter().find(|member| member.name == name).map(|member| member.role).or(self.unlisted)
    }

    fn admins(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter(|member| member.role == Role::Admin).map(|member| member.name.as_str())
    }
}

/// Read the team.
///
/// # Errors
/// When the engine refuses.
pub fn team(c: &mut dyn Conn) -> Result<Team> {
    let mut members = Vec::new();
    let mut unlisted = Role::Watcher;
    for row in c.query("SELECT name, role, added_by, added_at, changed_at FROM reviewers ORDER BY name", &[])? {
        let role = row.text("role")?.parse().map_err(|_| crate::store::Error::Column { column: "role".to_owned(), expected: "a role" })?;
        let name = row.text("name")?;
        if name == UNLISTED {
            unlisted = role;
            continue;
        }
        members.push(Member {
            name,
            role,
            added_by: row.text("added_by")?,
            added_at: row.int("added_at")?,
            changed_at: row.int("changed_at")?,
        });
    }
    let unlisted = (!members.is_empty()).then_some(unlisted);
    Ok(Team { members, unlisted })
}

/// Let through who has the right, and refuse who has not. Agents and the program itself are not people, and are not asked.
///
/// # Errors
/// [`Error::NotAllowed`], which says who can do it and how to get the role.
pub fn require(c: &mut dyn Conn, actor: &Actor, right: Right) -> Result<()> {
    if actor.kind != ActorKind::Human {
        return Ok(());
    }
    let team = team(c)?;
    let needed = right.needs();
    let Some(role) = team.role(&actor.name).filter(|role| *role < needed) else { return Ok(()) };
    let mut able = team.members.iter().filter(|member| member.role >= needed).map(|member| member.name.as_str());
    let named: Vec<&str> = able.by_ref().take(3).collect();
    let more = if able.next().is_some() { " and others" } else { "" };
    let admins: Vec<&str> = team.admins().take(3).collect();
    let how = format!(
        "{}{more} can do it, or {} can give the role with `quarterdeck team set {} {needed}`",
        named.join(", "),
        admins.join(" or "),
        actor.name
    );
    Err(Error::NotAllowed { name: actor.name.clone(), role, action: right.words(), needed, how })
}

/// Whether this person was given the right by a role. False while nobody is listed: the rules among colleagues (claims, passing on) then
/// hold for everybody, for there is nobody who stands above them.
///
/// # Errors
/// When the engine refuses.
pub fn was_given(c: &mut dyn Conn, actor: &Actor, right: Right) -> Result<bool> {
    Ok(actor.kind == ActorKind::Human && team(c)?.role(&actor.name).is_some_and(|role| role >= right.needs()))
}

/// Refuse to hand work to somebody who may not decide: it would lie there.
///
/// # Errors
/// [`Error::Invalid`].
pub(super) fn can_decide(c: &mut dyn Conn, name: &str) -> Result<()> {
    match team(c)?.role(name) {
        Some(role) if role < Right::Decide.needs() => Err(Error::Invalid {
            what: "the colleague",
            found: format!("{name}, a {role}"),
            expected: "somebody who may decide; `quarterdeck team list` shows who".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Give a person a role, or change it. The first who is listed is an admin; the last admin stays one.
///
/// # Errors
/// [`Error::NotAllowed`]; [`Error::Team`] when no admin would be left, or the name differs from a listed one by its capitals only.
pub fn set(c: &mut dyn Conn, name: &str, role: Role, actor: &Actor, at: Millis) -> Result<Member> {
    require(c, actor, Right::Roles)?;
    let well_formed =
        !name.is_empty() && name.trim() == name && name != UNLISTED && name.chars().count() <= 64 && !name.chars().any(char::is_control);
    if !well_formed {
        return Err(Error::Invalid {
            what: "the name",
            found: format!("{name:?}"),
            expected: "1 to 64 characters on one line, without blanks around them".to_owned(),
        });
    }
    let team = team(c)?;
    let similar = team.members.iter().find(|member| member.name != name && member.name.to_lowercase() == name.to_lowercase());
    if let Some(member) = similar {
        return Err(Error::Team { why: format!("{} is listed, and differs from {name} by its capitals only", member.name) });
    }
    if role != Role::Admin {
        if team.members.is_empty() {
            let why = format!("the first to be listed has to be an admin, or nobody could name roles: `quarterdeck team set {name} admin`");
            return Err(Error::Team { why });
        }
        keep_an_admin(&team, name)?;
    }
    let before = team.members.into_iter().find(|member| member.name == name);
    write(c, name, role, before.as_ref().map(|member| member.role), actor, at)?;
    Ok(match before {
        Some(member) => Member { role, changed_at: at, ..member },
        None => Member { name: name.to_owned(), role, added_by: actor.name.clone(), added_at: at, changed_at: at },
    })
}

/// Say what whoever is not listed may do. Nobody becomes an admin like this.
///
/// # Errors
/// [`Error::NotAllowed`]; [`Error::Team`] while nobody is listed, and for `admin`.
pub fn set_unlisted(c: &mut dyn Conn, role: Role, actor: &Actor, at: Millis) -> Result<()> {
    require(c, actor, Right::Roles)?;
    let Some(before) = team(c)?.unlisted else {
        let why = "nobody is listed yet, and everybody may do everything; list an admin first: `quarterdeck team set NAME admin`";
        return Err(Error::Team { why: why.to_owned() });
    };
    if role == Role::Admin {
        return Err(Error::Team { why: "whoever is not listed cannot be an admin; list the person".to_owned() });
    }
    write(c, UNLISTED, role, Some(before), actor, at)
}

/// Take a person off the list: from now on they may do what the unlisted may.
///
/// # Errors
/// [`Error::NotAllowed`]; [`Error::Team`] for the last admin, and for who is not listed.
pub fn remove(c: &mut dyn Conn, name: &str, actor: &Actor, at: Millis) -> Result<()> {
    require(c, actor, Right::Roles)?;
    let team = team(c)?;
    let Some(member) = team.members.iter().find(|member| member.name == name) else {
        return Err(Error::Team { why: format!("{name} is not listed; `quarterdeck team list` shows who is") });
    };
    keep_an_admin(&team, name)?;
    c.exec("DELETE FROM reviewers WHERE name = $1", vals![name])?;
    note(c, "team.remove", name, &json!({ "role": member.role }), &Value::Null, actor, at)
}

fn keep_an_admin(team: &Team, without: &str) -> Result<()> {
    if team.members.is_empty() || team.admins().any(|admin| admin != without) {
        return Ok(());
    }
    let why = format!("{without} is the last admin, and nobody could name roles; make somebody else an admin first");
    Err(Error::Team { why })
}

fn write(c: &mut dyn Conn, name: &str, role: Role, before: Option<Role>, actor: &Actor, at: Millis) -> Result<()> {
    c.exec(
        "INSERT INTO reviewers (name, role, added_by, added_at, changed_at) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (name) DO UPDATE SET role = $2, changed_at = $4",
        vals![name, role.as_str(), &actor.name, at],
    )?;
    note(c, "team.set", name, &before.map_or(Value::Null, |role| json!({ "role": role })), &json!({ "role": role }), actor, at)
}

fn note(c: &mut dyn Conn, action: &str, name: &str, before: &Value, after: &Value, actor: &Actor, at: Millis) -> Result<()> {
    audit::append(
        c,
        &audit::Entry { at, persona: None, actor, action, subject_kind: "reviewer", subject_id: name, reason: None, before, after },
    )?;
    feed::append(c, at, "team", None, action, name)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_right_names_a_role_above_watching() {
        for right in Right::ALL {
            assert!(right.needs() > Role::Watcher, "{}", right.words());
        }
        assert_eq!("senior".parse(), Ok(Role::Senior));
        assert!("boss".parse::<Role>().unwrap_err().contains("senior"));
    }

    #[test]
    fn an_admin_is_always_left() {
        let (deck, _guard) = crate::store::testing::database();
        let ana = Actor::human("ana");
        let set_role = |actor: &Actor, name: &'static str, role| {
            let actor = actor.clone();
            deck.write_blocking(move |c| set(c, name, role, &actor, 1))
        };
        assert_eq!(deck.read_blocking(team).unwrap(), Team { members: vec![], unlisted: None });
        assert!(deck.write_blocking(|c| set_unlisted(c, Role::Reviewer, &Actor::human("ana"), 1)).is_err());
        let first = set_role(&ana, "bob", Role::Reviewer).unwrap_err().to_string();
        assert!(first.contains("team set bob admin"), "{first}");
        set_role(&ana, "ana", Role::Admin).unwrap();
        assert!(matches!(set_role(&ana, "Ana", Role::Admin), Err(Error::Team { .. })));
        assert!(matches!(set_role(&ana, " x", Role::Admin), Err(Error::Invalid { .. })));
        let last = set_role(&ana, "ana", Role::Senior).unwrap_err().to_string();
        assert!(last.contains("last admin"), "{last}");
        assert!(deck.write_blocking(|c| remove(c, "ana", &Actor::human("ana"), 2)).is_err());
        let stranger = set_role(&Actor::human("bob"), "bob", Role::Admin).unwrap_err().to_string();
        assert_eq!(
            stranger,
            "bob is watcher here, and naming roles needs admin: ana can do it, or ana can give the role with `quarterdeck team set bob admin`"
        );
        set_role(&ana, "bob", Role::Admin).unwrap();
        deck.write_blocking(|c| remove(c, "ana", &Actor::human("bob"), 3)).unwrap();
        deck.write_blocking(|c| set_unlisted(c, Role::Reviewer, &Actor::human("bob"), 4)).unwrap();
        let team = deck.read_blocking(team).unwrap();
        assert_eq!((team.members.len(), team.role("bob"), team.role("ana")), (1, Some(Role::Admin), Some(Role::Reviewer)));
        let rows = deck.read_blocking(|c| audit::newest(c, None, 50)).unwrap();
        assert_eq!(rows.iter().filter(|row| row.subject_kind == "reviewer").count(), 4, "refusals leave no row");
    }
}
