//! The phrases by which people ask to be left alone, each the whole of a clause. Pure.

/// In front of a phrase without changing it.
pub(super) const LEAD: &str = r"(?:(?:please|pls|plz|just|hey|hi|ok|okay|dude|man|bro|buddy|mate|seriously|bot|robot|clanker|ai|u/[a-z0-9_-]+|and|so|now|again|also|kindly|can you|could you|would you|will you|can u|i said|i want you to|i need you to|i would like you to|i'd like you to|i(?:'ve| have)? (?:already )?(?:told|asked) you to|for the last time|last warning|for god'?s sake|for fuck'?s sake|for the love of god|ffs|jesus|christ)[,:]? +)*";
/// Behind a phrase without changing it.
pub(super) const TAIL: &str = r"(?: +(?:please|pls|plz|now|right now|already|forever|for good|again|anymore|any more|ever|ever again|immediately|thanks|thank you|thx|ffs|ok|okay|dude|man|bro|bot|robot|clanker|ai|you bot|you stupid bot|you (?:fucking|damn) bot))*";

/// One way to say it.
pub(super) struct Phrase {
    pub(super) reason: &'static str,
    pub(super) pattern: &'static str,
    /// What else must be so.
    pub(super) only: Only,
}

/// What must be so for a phrase to count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Only {
    /// Nothing: the clause says it.
    Clause,
    /// The message says nothing else.
    Whole,
    /// The message is short and not in fun.
    Brusque,
}

const ASKED_TO_STOP: &str = "asks us to stop";
const ASKED_NOT_TO_ANSWER: &str = "asks us not to answer";
const LEFT_ALONE: &str = "asks to be left alone";
const SENT_AWAY: &str = "sends us away";
const OPTED_OUT: &str = "opts out";
const BAD_BOT: &str = "calls us a bad bot";

pub(super) const PHRASES: [Phrase; 18] = [
    Phrase { reason: ASKED_TO_STOP, pattern: r"(?:stop|stop it|stop this|stop that)", only: Only::Whole },
    Phrase {
        reason: ASKED_TO_STOP,
        pattern: r"(?:stop,? (?:you )?(?:(?:stupid|dumb|damn|fucking|annoying|bad) )?(?:bot|robot|clanker)|(?:bot|robot|clanker)[,:]? stop)",
        only: Only::Clause,
    },
    Phrase {
        reason: ASKED_NOT_TO_ANSWER,
        pattern: r"(?:(?:you )?(?:must |should )?stop|quit|no more|cease) (?:(?:fucking|constantly|always) )?(?:replying|responding|messaging|contacting|pinging|dming|pming)(?: (?:to|at|with|under))?(?: (?:me|us|my (?:posts?|comments?|threads?|messages?|inbox|dms|profile)|people here|everyone here|(?:on|in|under) (?:this|my|our) (?:thread|post|posts|sub|subreddit|comments)))?",
        only: Only::Clause,
    },
    Phrase {
        reason: ASKED_NOT_TO_ANSWER,
        pattern: r"(?:(?:you )?(?:must |should )?stop|quit|no more|cease) (?:(?:fucking|constantly|always) )?(?:answering|tagging|bothering|harassing|stalking|following|mentioning|talking|writing|commenting|texting|notifying|spamming|annoying)(?: (?:to|at|on|with|under))? (?:me|us|my (?:posts?|comments?|threads?|messages?|inbox|dms|profile)|people here|everyone here|(?:on|in|under) (?:this|my|our) (?:thread|post|posts|sub|subreddit|comments))(?: around)?(?: with (?:this|your) (?:crap|shit|nonsense|spam))?",
        only: Only::Clause,
    },
    Phrase {
        reason: ASKED_NOT_TO_ANSWER,
        pattern: r"(?:(?:do not|don'?t|dont|never)(?: you)?(?: dare)?(?: to)?(?: ever)?) (?:(?:fucking|bother to) )?(?:reply|replying|respond|responding|answer|write|talk|speak|message|contact|ping|tag|bother|mention|dm|pm|text|comment)(?: (?:to|on|under|at|with))? (?:me|us|my (?:posts?|comments?|threads?|stuff|messages?))",
        only: Only::Clause,
    },
    Phrase {
        reason: ASKED_NOT_TO_ANSWER,
        pattern: r"(?:do not|don'?t|dont) (?:reply|respond|answer|contact me|message me)",
        only: Only::Whole,
    },
    Phrase {
        reason: ASKED_NOT_TO_ANSWER,
        pattern: r"no more (?:replies|messages|comments|answers)(?: (?:to me|from you|from this bot))?",
        only: Only::Whole,
    },
    Phrase {
        reason: ASKED_NOT_TO_ANSWER,
        pattern: r"i (?:do not|don'?t|dont|never) (?:want|wanna|wish|care) (?:to )?(?:talk|speak|chat|hear|be contacted|be messaged|interact|any (?:replies|messages))(?: (?:to|with|from|by))? (?:you|a bot|bots|an ai|ai|this bot|a machine|a robot)",
        only: Only::Clause,
    },
    Phrase {
        reason: ASKED_NOT_TO_ANSWER,
        pattern: r"(?:i'?m|i am|we'?re|we are) (?:done|finished|through) (?:talking|speaking|arguing) (?:to|with) (?:you|this bot|a bot)",
        only: Only::Clause,
    },
    Phrase { reason: LEFT_ALONE, pattern: r"leave (?:me|us) (?:(?:the (?:fuck|hell)|tf) )?(?:alone|be|in peace)", only: Only::Clause },
    Phrase {
        reason: LEFT_ALONE,
        pattern: r"(?:get|stay) (?:the (?:fuck|hell) )?(?:out of|away from) (?:me|my (?:replies|mentions|inbox|dms|comments|posts|profile|notifications))",
        only: Only::Clause,
    },
    Phrase { reason: SENT_AWAY, pattern: r"(?:go away|get lost|buzz off|go to hell|bugger off|sod off)", only: Only::Whole },
    Phrase {
        reason: SENT_AWAY,
        pattern: r"(?:go away|get lost|buzz off|piss off|fuck off|fuck you|fuck right off|bugger off|sod off|shut up|shut the fuck up|stfu|shoo|begone),? (?:you )?(?:[a-z]+ )?(?:bot|robot|clanker|ai)",
        only: Only::Clause,
    },
    Phrase { reason: SENT_AWAY, pattern: r"(?:fuck (?:right |all the way )?off|fuck off and (?:die|leave)|piss off)", only: Only::Brusque },
    Phrase { reason: OPTED_OUT, pattern: r"(?:unsubscribe|opt[ -]?out|optout|stop all)", only: Only::Whole },
    Phrase {
        reason: OPTED_OUT,
        pattern: r"(?:unsubscribe me|opt me out|(?:i|i'd|i would)(?: (?:want|like|wish|choose))?(?: to)? opt out)(?: (?:of|from) (?:this|it|this bot|your bot|the bot|your (?:replies|messages)|these (?:replies|messages)))?",
        only: Only::Clause,
    },
    Phrase { reason: OPTED_OUT, pattern: r"remove me(?: from (?:this|your|the) (?:list|bot|database|mailing list))", only: Only::Clause },
    Phrase {
        reason: BAD_BOT,
        pattern: r"(?:(?:very |such a |what a )?(?:bad|terrible|awful|horrible|shitty|shit|crap|worst|garbage|annoying) bot)",
        only: Only::Clause,
    },
];
