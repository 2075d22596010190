"""Users' files as documents, kind by kind, and folders of them."""

import gzip
import io
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbert.errors import DataError, MissingExtraError
from spanbert.text.documents import Document, Skipped, read_document, read_documents


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# plain text


def test_text_is_the_files_own_to_the_character(tmp_path):
    content = "\ufeffone\r\ntwo\r\n\r\n  thre\u0301e \u200d漢字\t\n"
    document = read_document(write(tmp_path, "a.txt", content))
    assert document.text == content[1:]
    assert document.line(document.text.index("漢字")) == 4
    assert document.page(0) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_a_byte_order_mark(tmp_path, encoding):
    assert read_document(write(tmp_path, "a.txt", "naïve 漢字\n".encode(encoding))).text == "naïve 漢字\n"


def test_wrong_encoding_names_the_line(tmp_path):
    path = write(tmp_path, "a.txt", b"fine\nfine\ncaf\xe9\n")
    with pytest.raises(DataError, match=r"a\.txt:3: not UTF-8 text \(byte 0xe9\)"):
        read_document(path)


def test_binary_content_under_a_text_name(tmp_path):
    with pytest.raises(DataError, match=r"a\.txt:2: a NUL byte"):
        read_document(write(tmp_path, "a.txt", b"text\n\0\1\2"))


def test_gzip_is_unpacked(tmp_path):
    assert read_document(write(tmp_path, "a.md.gz", gzip.compress(b"# Title\n", mtime=0))).text == "# Title\n"
    with pytest.raises(DataError, match="cannot be read"):
        read_document(write(tmp_path, "b.txt.gz", b"no gzip"))


def test_a_name_without_ending_is_plain_text(tmp_path):
    assert read_document(write(tmp_path, "README", "hello")).text == "hello"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.exe", "MZ", "files named .exe are not read"),
        ("a.txt", "", "the file is empty"),
        ("a.txt", " \n ", "the file is empty"),
        ("a.html", "<script>x()</script>", "holds no text"),
        ("a.pdf", "no pdf", "cannot be read as PDF"),
        ("a.docx", "no zip", "cannot be read as .docx"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_document(write(tmp_path, name, content))
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_headings_of_marked_text(tmp_path):
    text = "# One\ntext #no\n\nTwo\n===\n\n---\n\nThree\n~~~~~\n#hashtag\n## Four ##\n"
    document = read_document(write(tmp_path, "a.rst", text))
    assert [text[start:].split("\n")[0] for start in document.headings] == [
        "# One",
        "Two",
        "Three",
        "## Four ##",
    ]


@given(st.text(alphabet="#=-~\n\r aé", max_size=40))
def test_any_marked_text_has_sorted_headings_at_line_starts(text):
    from spanbert.text.documents.plain import read_marked

    document = read_marked(text.encode(), "a.md")
    assert document.text == text
    assert list(document.headings) == sorted(set(document.headings))
    assert all(start == 0 or text[start - 1] == "\n" for start in document.headings)


@pytest.mark.parametrize(
    "text", ["", "one line", "a\r\nb\r\n", "a\rb\rc", "\n\na\n", "a\nb", "é\u2028\x0c\x85\n漢"]
)
def test_the_line_of_a_character_is_one_more_than_the_line_feeds_before_it(text):
    document = Document(Path("a.txt"), text)
    lines = [document.line(char) for char in range(len(text) + 1)]
    assert lines == [text[:char].count("\n") + 1 for char in range(len(text) + 1)]


# web pages

PAGE = """<!doctype html><html><head><title>The   page</title>
<style>p { color: red }</style><script>if (a < b) run("<p>")</script></head><body>
<nav><ul><li>Home<li>About</ul></nav>
<h1>A &amp; B</h1><p>First <b>bold</b>
paragraph.</p><p>Second<br>line</p>
<table><tr><th>Name</th><th>Age</th></tr><tr><td>Ada</td><td>36</td></tr></table>
<pre>x  =  1
  y</pre>
<p>caf&eacute;</p></body></html>"""


def test_web_page_keeps_blocks_and_drops_code_and_navigation(tmp_path):
    document = read_document(write(tmp_path, "a.html", PAGE))
    assert document.text == (
        "The page\n\nA & B\n\nFirst bold paragraph.\n\nSecond\nline\n\n"
        "Name\tAge\nAda\t36\n\nx  =  1\n  y\n\ncafé"
    )
    assert [document.text[start:][:5] for start in document.headings] == ["A & B"]


@pytest.mark.parametrize(
    ("word", "line"), [("The page", 1), ("bold", 4), ("paragraph", 5), ("Ada", 6), ("y\n", 8)]
)
def test_web_page_lines_are_lines_of_the_file(tmp_path, word, line):
    document = read_document(write(tmp_path, "a.htm", PAGE))
    assert document.line(document.text.index(word)) == line


def test_an_element_that_never_ends_hides_nothing(tmp_path):
    assert "Answer" in read_document(write(tmp_path, "a.html", "<nav>Home <p>Answer</p>")).text


def test_web_page_in_the_encoding_that_it_names(tmp_path):
    page = "<meta http-equiv='Content-Type' content='text/html; charset=iso-8859-1'><p>caf\xe9 \u201cx\u201d"
    assert read_document(write(tmp_path, "a.html", page.encode("cp1252"))).text == "café “x”"
    with pytest.raises(DataError, match="unknown character encoding 'klingon'"):
        read_document(write(tmp_path, "b.html", "<meta charset=klingon><p>x"))


@given(
    st.lists(
        st.sampled_from(["<p>", "</p>", "<pre>", "</pre>", "<td>", "<!--", "-->", "<", "&", " ", "\n", "a "])
    )
)
def test_any_web_page_has_text_without_loose_ends(parts):
    from spanbert.text.documents.html import read

    document = read("".join(parts).encode(), "a.html")
    assert [char for char, _ in document.line_marks] == sorted({char for char, _ in document.line_marks})
    assert all(
        not document.text[char : char + 1].isspace() or "<pre>" in parts for char, _ in document.line_marks
    )


# PDF


def pdf(*pages: str) -> bytes:
    """A PDF file with one line of text a page; an empty one has no text at all."""
    count = len(pages)
    pages_list = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {count} /Kids [{pages_list}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        content = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET" if text else ""
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode(),
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream".encode(),
        ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode() + table + trailer.encode()


def test_pdf_pages(tmp_path):
    document = read_document(write(tmp_path, "a.pdf", pdf("Page one.", "", "Page three.")))
    assert document.text == "Page one.\n\n\n\nPage three."
    assert document.page(document.text.index("one")) == 1
    assert document.page(document.text.index("three")) == 3
    assert document.line(0) is None
    assert document.notes == ("1 of 3 pages hold no text (scanned?)",)


def test_pdf_of_images_is_said_to_be_so(tmp_path):
    with pytest.raises(DataError, match="none of the 2 pages holds text"):
        read_document(write(tmp_path, "a.pdf", pdf("", "")))


def test_encrypted_pdf(tmp_path):
    pypdf = pytest.importorskip("pypdf")
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("Secret.")))
    writer.encrypt("password", algorithm="RC4-128")
    writer.write(tmp_path / "a.pdf")
    with pytest.raises(DataError, match="encrypted; save it without a password"):
        read_document(tmp_path / "a.pdf")


def test_truncated_pdf_never_shows_a_traceback(tmp_path):
    whole = pdf("Page one.", "Page two.")
    for end in range(10, len(whole), 97):
        path = write(tmp_path, "a.pdf", whole[:end])
        with suppress(DataError):
            assert "Page" in read_document(path).text


# Word files


def test_word_file_in_document_order(tmp_path):
    docx = pytest.importorskip("docx")
    word = docx.Document()
    word.add_heading("The title", level=1)
    word.add_paragraph("Before the table.")
    table = word.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, [("Name", "Age"), ("Ada\nLovelace", "36")], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    word.add_paragraph("After it.")
    word.save(tmp_path / "a.docx")
    document = read_document(tmp_path / "a.docx")
    assert document.text == "The title\n\nBefore the table.\n\nName\tAge\nAda Lovelace\t36\n\nAfter it."
    assert list(document.headings) == [0]
    assert document.line(0) is None


def test_word_file_keeps_insertions_and_controls_and_drops_deletions(tmp_path):
    docx = pytest.importorskip("docx")
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    word = docx.Document()
    paragraph = word.add_paragraph("It costs ")
    space = nsdecls("w")
    paragraph._p.append(parse_xml(f"<w:ins {space}><w:r><w:t>ten</w:t></w:r></w:ins>"))
    paragraph._p.append(parse_xml(f"<w:del {space}><w:r><w:delText>nine</w:delText></w:r></w:del>"))
    control = (
        f"<w:sdt {space}><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    )
    word.element.body.insert(0, parse_xml(control))
    word.save(tmp_path / "a.docx")
    assert read_document(tmp_path / "a.docx").text == "In a control.\n\nIt costs ten"


@pytest.mark.parametrize(("library", "name"), [("pypdf", "a.pdf"), ("docx", "a.docx")])
def test_missing_library_names_the_extra(tmp_path, monkeypatch, library, name):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'spanbert\[documents\]'"):
        read_document(write(tmp_path, name, "x"))


# folders


def test_folder_in_order_with_reasons_for_what_is_left_out(tmp_path):
    write(tmp_path, "b.txt", "b")
    write(tmp_path, "a/z.md", "z")
    write(tmp_path, "a/image.png", b"\x89PNG")
    write(tmp_path, "a/bad.txt", b"ok\n\xff\xfe")
    write(tmp_path, "a/empty.txt", "")
    write(tmp_path, ".hidden/c.txt", "c")
    write(tmp_path, ".d.txt", "d")
    found = list(read_documents([tmp_path]))
    assert [item.path.name for item in found if isinstance(item, Document)] == ["b.txt", "z.md"]
    reasons = {item.path.name: item.reason for item in found if isinstance(item, Skipped)}
    assert reasons.keys() == {"image.png", "bad.txt", "empty.txt"}
    assert reasons["image.png"] == "files named .png are not read"
    assert reasons["bad.txt"].startswith("line 2: not UTF-8 text")
    assert reasons["empty.txt"] == "the file is empty"


def test_a_file_named_itself_must_be_readable(tmp_path):
    with pytest.raises(DataError, match="not read"):
        list(read_documents([write(tmp_path, "image.png", b"\x89PNG")]))
    with pytest.raises(DataError, match="no such file"):
        list(read_documents([tmp_path / "absent.txt"]))
    with pytest.raises(DataError, match="no such file"):
        list(read_documents([tmp_path / "absent.png"]))


def test_each_file_comes_once(tmp_path):
    path = write(tmp_path, "a.txt", "a")
    (tmp_path / "b.txt").symlink_to(path)
    assert len(list(read_documents([path, tmp_path, path]))) == 1


def test_links_and_pipes_in_a_folder_do_not_trap_the_reader(tmp_path):
    write(tmp_path, "a.txt", "a")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.txt")
    found = list(read_documents([tmp_path]))
    assert {item.path.name for item in found if isinstance(item, Skipped)} == {"loop", "pipe.txt"}


def test_documents_come_as_a_stream(tmp_path):
    first = write(tmp_path, "a.txt", "a")
    stream = read_documents([first, tmp_path / "absent.txt"])
    assert next(stream).text == "a"
    with pytest.raises(DataError):
        next(stream)
