"""The stock Reddit client of the Python world, pointed at the sandbox.

Usage: praw_client.py BASE_URL USERNAME PASSWORD CLIENT_ID CLIENT_SECRET

Walks through everything that the sandbox promises to that client. Exits with 0 and prints what it did as JSON; exits with 77 when the
package is not installed; any other exit is a failure.
"""

import json
import sys
import time

try:
    import praw
    import prawcore
except ImportError:
    sys.exit(77)


def control(base, path, body):
    """Tell the sandbox to change its world."""
    import urllib.request

    request = urllib.request.Request(f"{base}/sandbox/{path}", data=json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def main():
    base, username, password, client_id, client_secret = sys.argv[1:6]

    def log_in(**settings):
        return praw.Reddit(
            client_id=client_id,
            client_secret=client_secret,
            user_agent="python:quarterdeck.sandbox-test:v1 (by /u/DemoAgentBot)",
            reddit_url=base,
            oauth_url=base,
            short_url=base,
            check_for_updates=False,
            **settings,
        )

    done = {"praw": praw.__version__}
    reddit = log_in(username=username, password=password)
    me = reddit.user.me()
    assert me.name == username and not me.is_suspended, me
    done["me"] = me.name

    try:
        log_in(username=username, password="wrong").user.me()
        raise AssertionError("a wrong password must be refused")
    except prawcore.exceptions.OAuthException as refused:
        assert "invalid_grant" in str(refused), refused

    # Lists, paging included: the whole world, no post twice.
    newest = list(reddit.subreddit("all").new(limit=None))
    assert len(newest) > 100 and len({post.id for post in newest}) == len(newest), len(newest)
    times = [post.created_utc for post in newest]
    assert times == sorted(times, reverse=True)
    done["listed"] = len(newest)
    some = list(reddit.subreddit("test+bottest").new(limit=10))
    assert {str(post.subreddit) for post in some} <= {"test", "bottest"} and some[0].author.name
    assert list(reddit.subreddit("test").hot(limit=5))

    # Search.
    word = max(some[0].title.split(), key=len).strip('?.,:"()')
    found = list(reddit.subreddit("test+bottest").search(f'"{word}"', sort="new", time_filter="all"))
    assert any(post.id == some[0].id for post in found), (word, found)
    done["found"] = len(found)

    # A post with its comments.
    talk = next(post for post in newest if post.num_comments > 2 and not post.locked and not post.archived)
    talk = reddit.submission(talk.id)
    talk.comments.replace_more(limit=None)
    comments = talk.comments.list()
    assert len(comments) == talk.num_comments, (len(comments), talk.num_comments)
    assert all(comment.author and comment.body and comment.link_id == talk.fullname for comment in comments)
    done["comments"] = len(comments)
    assert [thing.fullname for thing in reddit.info(fullnames=[talk.fullname, comments[0].fullname])] == [talk.fullname, comments[0].fullname]

    # A subreddit and its rules.
    place = reddit.subreddit("sandbox_strict")
    assert place.display_name == "sandbox_strict" and "sandbox" in place.public_description.lower()
    assert place.post_requirements()["title_text_min_length"] == 10
    assert [rule.short_name for rule in place.rules]

    # Submit a text and a link; the same link again is refused.
    text = reddit.subreddit("test").submit("A text from the stock client", selftext="With <angles> & ampersands.")
    assert reddit.submission(text.id).selftext == "With <angles> & ampersands."
    url = "https://example.org/stock-client?a=1&b=2"
    link = reddit.subreddit("test").submit("A link from the stock client", url=url)
    assert reddit.submission(link.id).url == url and not link.is_self
    for refused, arguments in [
        ("ALREADY_SUB", {"sr": "test", "title": "Again", "url": url, "resubmit": False}),
        ("SUBREDDIT_NOEXIST", {"sr": "nowhere_at_all", "title": "Lost", "selftext": "x"}),
        ("SUBREDDIT_NOTALLOWED", {"sr": "sandbox_restricted", "title": "Closed", "selftext": "x"}),
    ]:
        try:
            reddit.subreddit(arguments.pop("sr")).submit(arguments.pop("title"), **arguments)
            raise AssertionError(f"{refused} was expected")
        except praw.exceptions.RedditAPIException as error:
            assert error.items[0].error_type == refused, error
    done["submitted"] = [text.fullname, link.fullname]

    # Reply, edit, read back, delete.
    reply = talk.reply("A reply from the stock client.")
    assert reply.parent_id == talk.fullname and reply.author.name == username and reply.permalink
    deeper = comments[0].reply("And one to a comment.")
    assert deeper.parent_id == comments[0].fullname
    assert reply.edit("An edited reply.").body == "An edited reply."
    assert reddit.comment(reply.id).body == "An edited reply." and reddit.comment(reply.id).edited
    text.edit("New text.")
    assert reddit.submission(text.id).selftext == "New text."
    mine = [comment.id for comment in reddit.user.me().comments.new(limit=10)]
    assert mine == [deeper.id, reply.id] or mine == [reply.id, deeper.id], mine
    deeper.delete()
    assert reddit.comment(deeper.id).author is None
    done["replied"] = reply.fullname

    # The inbox.
    answer = control(base, "world", {"action": "reply", "to": reply.fullname, "text": f"Thank you, u/{username}.", "author": "sbx_nightbus"})["id"]
    message = next(item for item in reddit.inbox.unread(limit=None) if item.fullname == answer)
    assert message.was_comment and message.new and message.subject == "comment reply" and message.parent_id == reply.fullname
    assert message.submission.id == talk.id
    assert [item.fullname for item in reddit.inbox.comment_replies()] == [answer]
    welcome = [item for item in reddit.inbox.all() if isinstance(item, praw.models.Message)]
    assert len(welcome) == 1 and "sandbox" in welcome[0].body
    message.mark_read()
    assert answer not in [item.fullname for item in reddit.inbox.unread(limit=None)]
    reddit.inbox.mark_read(welcome)
    assert not list(reddit.inbox.unread(limit=None))
    reddit.inbox.mark_all_read()
    assert list(reddit.inbox.mentions()) == []
    done["inbox"] = answer

    # A locked thread is refused with its code.
    control(base, "world", {"action": "lock", "id": text.fullname})
    try:
        reddit.submission(text.id).reply("Too late.")
        raise AssertionError("a locked thread must refuse")
    except praw.exceptions.RedditAPIException as error:
        assert error.items[0].error_type == "THREAD_LOCKED", error
    link.delete()
    assert reddit.submission(link.id).author is None

    # A refresh token works once and brings the next one.
    token = control(base, "world", {"action": "issue_refresh_token", "account": username})["refresh_token"]
    renewed = log_in(refresh_token=token)
    assert renewed.user.me().name == username and renewed.auth._reddit._core._authorizer.refresh_token != token
    assert reddit.auth.limits["remaining"] is not None
    print(json.dumps(done))


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"{time.monotonic() - started:.1f} s", file=sys.stderr)
