//! Where a draft links to.

use super::{Finding, Outcome};
use crate::moderation::detect::links::{Link, host_matches};
use crate::moderation::rules::model::{Links, Rule};
use crate::moderation::rules::signals::{PersonaWishes, Signal};

/// Links that a rule does not want, each with what is wrong with it.
pub(super) fn look(rule: &Rule, wanted: &Links, (text, title): &(Vec<Link>, Vec<Link>), persona: &Signal<PersonaWishes>) -> Outcome {
    let (in_text, count) = (text.len(), text.len() + title.len());
    if count == 0 {
        return Outcome::CLEAR;
    }
    let own = match persona {
        Signal::Known(wishes) => Some(&wishes.link_hosts),
        Signal::Missing(reason) if wanted.only_listed => return Outcome::Unknown(format!("the persona's link hosts ({reason})")),
        Signal::Missing(_) | Signal::NotAsked => None,
    };
    let is_listed = |link: &Link| {
        wanted
            .allow
            .iter()
            .chain(own.into_iter().flatten())
            .any(|pattern| host_matches(&link.ascii_host, pattern) || host_matches(&link.host, pattern))
    };
    let mut findings = Vec::new();
    for (number, link) in text.iter().chain(title).enumerate() {
        let Some(fault) = fault(wanted, link, &is_listed) else { continue };
        findings.push(Finding {
            spans: if number < in_text { vec![link.span] } else { Vec::new() },
            message: format!("the link to {} {fault}", link.host),
            evidence: Some(link.host.clone()),
            flag: format!("{}: {}", rule.id, link.host),
        });
    }
    if wanted.most > 0 && count > wanted.most {
        findings.push(Finding {
            spans: text.iter().map(|link| link.span).collect(),
            message: format!("it has {count} links, {} are allowed", wanted.most),
            evidence: None,
            flag: format!("{}: too_many", rule.id),
        });
    }
    Outcome::Found(findings)
}

fn fault(wanted: &Links, link: &Link, is_listed: &impl Fn(&Link) -> bool) -> Option<String> {
    if wanted.deny.iter().any(|pattern| host_matches(&link.ascii_host, pattern) || host_matches(&link.host, pattern)) {
        return Some("is on the list of hosts that are not linked to".to_owned());
    }
    if wanted.userinfo && link.has_userinfo {
        return Some("carries a name or password before the host".to_owned());
    }
    if wanted.misleading && link.is_misleading {
        return Some(format!("shows another address in its words (“{}”)", link.shown.as_deref().unwrap_or_default()));
    }
    if wanted.punycode && link.mixed_scripts {
        return Some(format!("mixes scripts in its name ({})", link.ascii_host));
    }
    if wanted.punycode && link.is_punycode {
        return Some(format!("is written in punycode ({})", link.ascii_host));
    }
    if wanted.addresses && link.is_ip {
        return Some("names a bare address in place of a host".to_owned());
    }
    if wanted.shorteners && link.is_shortener {
        return Some("is a shortener: nobody sees where it leads".to_owned());
    }
    (wanted.only_listed && !is_listed(link)).then(|| "is not on the persona's list of hosts".to_owned())
}
