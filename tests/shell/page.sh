#!/bin/bash
# page.sh FLOAT_BUILD DOUBLE_BUILD - index.html of real runs in a browser without a network: all pictures show, nothing
# comes from outside or is wider than the window, text is readable in light and dark, and it says what sim report says.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"
sim=$float/bin/sim
pictures=$float/page # screenshots, to be looked at
mkdir -p "$pictures"
export HOME=$place

for browser in chromium chromium-browser google-chrome; do command -v "$browser" >/dev/null && break; done
if ! command -v "$browser" >/dev/null; then
    skip "a page in a browser: neither chromium nor google-chrome is installed"
    finish
fi

# browse OPTION... URL: what it says on the console lands in the log as well.
browse() {
    local root_only=()
    [ "$(id -u)" -ne 0 ] || root_only=(--no-sandbox)
    timeout -k 5 60 "$browser" --headless --disable-gpu --hide-scrollbars --user-data-dir="$place/profile" "${root_only[@]}" \
        --host-resolver-rules='MAP * ~NOTFOUND' --disable-background-networking --allow-file-access-from-files \
        --enable-logging=stderr "$@"
}

# look FOLDER WIDTH [OPTION...]: fills `found` with what look.html finds, its markup taken off.
look() {
    local folder=$1 width=$2
    shift 2
    browse "$@" --window-size=1400,1000 --dump-dom "file://$root/tests/page/look.html?$width&file://$place/$folder/index.html" \
        >dom 2>console || return 1
    sed -n '/<pre id="found">/,/<\/pre>/p' dom | sed 's/<[^>]*>//g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g; s/&nbsp;/ /g' \
        | tr '\t' ' ' | tr -s ' ' >found
    grep CONSOLE console >>found
    cat found
}

# good FOLDER PICTURES WIDTH [OPTION...]: nothing to complain of, and so many pictures.
good() {
    local count=$2
    look "$1" "${@:3}" || return 1
    ! grep -qE '^(NO IMAGE|OUT OF SHAPE|FROM OUTSIDE|TOO WIDE|PALE)|CONSOLE' found && [ "$(grep -c '^image ' found)" -eq "$count" ]
}

# tells RUN...: each line of the report is one of the page.
tells() {
    local line count=0
    while read -r line; do
        case $line in '' | 'draw it '*) continue ;; esac
        count=$((count + 1))
        grep -qxF -- "$line" <(sed 's/ *$//' found) || { echo "not on the page: $line"; return 1; }
    done < <("$sim" report "$@" | tr -s ' ' | sed 's/^ //; s/ *$//')
    [ "$count" -gt 10 ]
}

screenshot() { # NAME FOLDER WIDTH,HEIGHT [OPTION...]
    local name=$1 folder=$2 size=$3
    shift 3
    browse "$@" --window-size="$size" --screenshot="$pictures/$name.png" "file://$place/$folder/index.html" && [ -s "$pictures/$name.png" ]
}

dark=--blink-settings=preferredColorScheme=0
train 8 --config 1f1b.ini --set train.steps=4 >said 2>&1
train 4 --config zero3.ini --set train.steps=4 >>said 2>&1
train 4 --config ddp.ini --set train.steps=4 --output '<b>&"x%.h5' >>said 2>&1

check "a run is drawn" "$sim" plot results/1f1b.h5
check "all its pictures show" good results/1f1b-charts 9 1280
check "and what its report says" tells results/1f1b.h5
check "on a telephone" good results/1f1b-charts 9 380
check "in the dark" good results/1f1b-charts 9 1280 $dark
check "which is dark" grep -qx 'paper rgb(23, 25, 28)' found
check "several are drawn" "$sim" plot results '<b>&"x%.h5' --out compare
check "all their pictures show" good compare "$(find compare -name '*.svg' | wc -l)" 1280
check "and what the table of their report says" tells results '<b>&"x%.h5'
check "and the report of each" tells '<b>&"x%.h5'
check "on a telephone" good compare "$(find compare -name '*.svg' | wc -l)" 380
check "PNGs alone" "$sim" plot '<b>&"x%.h5' --format png --out png
check "show" good png "$(find png -name '*.png' | wc -l)" 1280

check "a screenshot of one run" screenshot run results/1f1b-charts 1280,6000
check "of several" screenshot compare compare 1280,9000
check "in the dark" screenshot dark compare 1280,3000 $dark
check "on a telephone" screenshot telephone compare 400,3000

# The look finds what is wrong.
cp -r png broken
sed -i 's|<h1>.*|<p style="width: 3000px">wide</p><a href="x" style="color: #999">pale</a>&|; s|loss.png" width|gone.png" width|
    s|src="memory.png"|& style="height: 50px"|
    s|</body>|<img src="http://example.org/a.png" alt="a" /><script>console.error("says")</script>&|' broken/index.html
look broken 1280 >/dev/null 2>&1
for finding in '^NO IMAGE gone.png' '^NO IMAGE http' '^OUT OF SHAPE' '^FROM OUTSIDE http://example.org/a.png' '^TOO WIDE 3' '^PALE' 'CONSOLE.*says'; do
    check "a broken page has: $finding" grep -q "$finding" found
done
finish
