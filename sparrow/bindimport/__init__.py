"""From BIND with Super Sparrow's driver to sparrow: `named.conf` read, `sparrow.yaml` written.

Law: pure; files reach it as text. Start from `statements.parse_statements` for what named.conf
is, `words` for what stands behind `database "ss ..."`, `rendering.render_import` for the result.
"""
