"""Pages as HTML: boxes stand out, links lead to the other pages, and nothing in a page is code."""

from service.web.markdown import markdown


def test_box_of_a_page_is_marked_with_its_kind_and_heading() -> None:
    html = markdown("1. Reset:\n\n   > [!CAUTION]\n   > Affects **every** host.\n")
    assert '<blockquote class="box caution" role="note">' in html
    assert "<p><strong>Caution:</strong>\nAffects <strong>every</strong> host.</p>" in html


def test_other_quotes_stay_quotes() -> None:
    for quote in ("> quoted\n", "> [!OTHER]\n> text\n", "> see [!NOTE]\n", ">\n"):
        assert "<blockquote>" in markdown(quote)


def test_link_to_a_page_leads_to_its_address() -> None:
    assert 'href="/procedures/datastore-full"' in markdown("[full](datastore-full.md)")
    assert 'href="https://example.com/a.md"' in markdown("[other](https://example.com/a.md)")


def test_html_in_a_page_stays_text() -> None:
    assert "<script>" not in markdown("<script>alert(1)</script>\n\n> [!NOTE]\n> <b>x</b>\n")


def test_link_that_no_page_may_have_stays_text() -> None:
    for target in ("data:image/png;base64,AA", "a:b.md", "javascript:alert", "DATA:text/html,x", "ftp://example.com/x"):
        for text in (f"[x]({target})", f"![x]({target})", f"[x]\n\n[x]: {target}", f"<{target}>"):
            html = markdown(text)
            assert "href" not in html
            assert "src" not in html
    assert 'href="mailto:team@example.com"' in markdown("[x](mailto:team@example.com)")
    assert 'href="#a:b"' in markdown("[x](#a:b)")
