"""Pack the extension into a `.vsix`, which VS Code installs: `python pack.py [FOLDER]`. Needs nothing but Python."""

import json
import sys
import zipfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

HERE = Path(__file__).parent
FILES = ["package.json", "README.md", "extension.js", "blocks.js", "errors.js", "send.js"]

TYPES = """<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension=".json" ContentType="application/json"/>
<Default Extension=".js" ContentType="application/javascript"/>
<Default Extension=".md" ContentType="text/markdown"/>
<Default Extension=".txt" ContentType="text/plain"/>
<Default Extension=".vsixmanifest" ContentType="text/xml"/>
</Types>
"""

MANIFEST = """<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
<Metadata>
<Identity Language="en-US" Id={name} Version={version} Publisher={publisher}/>
<DisplayName>{displayName}</DisplayName>
<Description xml:space="preserve">{description}</Description>
<Categories>Other</Categories>
<License>extension/LICENSE.txt</License>
<Properties><Property Id="Microsoft.VisualStudio.Code.Engine" Value={engine}/></Properties>
</Metadata>
<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
<Dependencies/>
<Assets>
<Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
<Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true"/>
<Asset Type="Microsoft.VisualStudio.Services.Content.License" Path="extension/LICENSE.txt" Addressable="true"/>
</Assets>
</PackageManifest>
"""


def pack(folder: Path) -> Path:
    """Write the package into a folder; the same sources give the same bytes."""
    about = json.loads((HERE / "package.json").read_text("utf-8"))
    quoted = {each: quoteattr(about[each]) for each in ("name", "version", "publisher")}
    texts = {each: about[each] for each in ("displayName", "description")}
    manifest = MANIFEST.format(**quoted, **texts, engine=quoteattr(about["engines"]["vscode"]))
    root = HERE.parents[1]
    licence = "\n".join((root / each).read_text("utf-8") for each in ("LICENSE-MIT", "LICENSE-APACHE"))
    parts = {"[Content_Types].xml": TYPES, "extension.vsixmanifest": manifest, "extension/LICENSE.txt": licence}
    parts |= {f"extension/{each}": (HERE / each).read_text("utf-8") for each in FILES}
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / f"{about['name']}-{about['version']}.vsix"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return package


if __name__ == "__main__":
    print(pack(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd()))
