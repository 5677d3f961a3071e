" Sends blocks of Python files into the prompt of krach, through `krach send`. For Vim 8.2 and Neovim.
"
" Copy it into ~/.vim/plugin or ~/.config/nvim/plugin. In Python files <LocalLeader>e sends the block at the cursor, which
" is what stands between two empty lines at the margin, or the selection; :KrachSend takes a range. The value of the last
" expression is shown below; a mistake goes into the quickfix list, with its line.
"
"   let g:krach_command = '/home/mo/venv/bin/krach'   where it is not on the PATH
"   let g:krach_no_mappings = 1                       only <Plug>(KrachSend)

if exists('g:loaded_krach')
  finish
endif
let g:loaded_krach = 1

let s:flash_ms = 200

" Blocks. ../blocks.json has examples; the extension for VS Code finds the same ones.

function! s:is_empty(line) abort
  return a:line =~# '^\s*$'
endfunction

" For each line whether it begins within a text of several lines or within brackets.
function! s:within(lines) abort
  let [quote, depth, inside] = ['', 0, []]
  for number in range(len(a:lines))
    let line = a:lines[number]
    " Brackets that are not closed yet take no other block with them.
    if depth > 0 && quote ==# '' && line =~# '^[A-Za-z0-9_@#]' && s:is_empty(a:lines[number - 1])
      let depth = 0
      let above = number - 1
      while s:is_empty(a:lines[above])
        let inside[above] = 0
        let above -= 1
      endwhile
    endif
    call add(inside, quote !=# '' || depth > 0)
    let at = 0
    while at < len(line)
      let sign = line[at]
      if quote !=# ''
        if sign ==# '\'
          let at += 1
        elseif strpart(line, at, len(quote)) ==# quote
          let at += len(quote) - 1
          let quote = ''
        endif
      elseif sign ==# '#'
        break
      elseif sign ==# '"' || sign ==# "'"
        let quote = strpart(line, at, 3) ==# repeat(sign, 3) ? repeat(sign, 3) : sign
        let at += len(quote) - 1
      elseif stridx('([{', sign) >= 0
        let depth += 1
      elseif stridx(')]}', sign) >= 0
        let depth = max([0, depth - 1])
      endif
      let at += 1
    endwhile
    " Only a text in three quotes goes over the end of a line.
    if len(quote) == 1
      let quote = ''
    endif
  endfor
  return inside
endfunction

" All blocks of some lines, as [first, last], counted from 0.
function! KrachBlocks(lines) abort
  let [inside, found] = [s:within(a:lines), []]
  for number in range(len(a:lines))
    let line = a:lines[number]
    let begins = line =~# '^[^ \t)\]}]' && !inside[number] && line !~# '^\%(else\|elif\|except\|finally\)\>'
    let apart = number == 0 || (s:is_empty(a:lines[number - 1]) && !inside[number - 1]) || empty(found)
    if begins && apart
      call add(found, [number, number])
    elseif !empty(found) && (inside[number] || !s:is_empty(line))
      let found[-1][1] = number
    endif
  endfor
  return found
endfunction

" The block of a line of the buffer, or the one above it where it is empty, counted from 1; [] where there is none.
function! s:block_at(line) abort
  let found = []
  for [first, last] in KrachBlocks(getline(1, '$'))
    if first + 1 <= a:line
      let found = [first + 1, last + 1]
    endif
  endfor
  return found
endfunction

" Mistakes

" What `krach send` says of a mistake in a file: its line, 0 where none is named, and the text.
function! KrachParse(text, file) abort
  let lines = filter(map(copy(a:text), {_, each -> substitute(each, '\r$', '', '')}), {_, each -> !s:is_empty(each)})
  let [own, quoted] = [a:file . ', line ', 'File "' . a:file . '", line ']
  let [line, from] = [0, 0]
  let is_python = match(lines, '^Traceback ') >= 0
  for number in range(len(lines))
    let [each, at] = [lines[number], stridx(lines[number], quoted)]
    if stridx(each, own) == 0
      let given = strpart(each, len(own))
    elseif at >= 0
      let given = strpart(each, at + len(quoted))
    else
      continue
    endif
    if given =~# '^\d'
      let [line, from] = [str2nr(given), number + 1]
      let is_python = is_python || at >= 0 && stridx(each, own) != 0
    endif
  endfor
  return [line, join(is_python ? lines[-1:] : lines[from :], "\n")]
endfunction

" Sending

function! s:flash(first, last) abort
  let places = map(range(a:first, min([a:last, a:first + 200])), {_, line -> [line]})
  let window = win_getid()
  let matches = []
  " Vim takes eight places at once.
  while !empty(places)
    call add(matches, matchaddpos('Visual', remove(places, 0, min([7, len(places) - 1]))))
  endwhile
  call timer_start(s:flash_ms, {-> map(matches, {_, each -> s:fade(each, window)})})
endfunction

function! s:fade(number, window) abort
  if win_id2win(a:window) > 0
    call win_execute(a:window, 'silent! call matchdelete(' . a:number . ')')
  endif
endfunction

function! s:ended(job, status) abort
  let [buffer, first] = [a:job.buffer, a:job.first]
  let said = a:status == 0 ? a:job.out : empty(filter(copy(a:job.err), 'v:val !=# ""')) ? a:job.out : a:job.err
  let g:krach_ended = get(g:, 'krach_ended', 0) + 1
  if a:status == 0
    let shown = filter(copy(said), {_, each -> !s:is_empty(each)})
    call setqflist([], 'r', {'title': 'krach', 'items': []})
    redraw
    echo empty(shown) ? '' : '=> ' . shown[-1]
    return
  endif
  let [line, text] = KrachParse(said, a:job.file)
  let text = text ==# '' ? g:krach_command . ' ended with ' . a:status : text
  let entries = map(split(text, "\n"), {number, each -> number == 0
        \ ? {'bufnr': buffer, 'lnum': line > 0 ? line : first, 'text': each, 'type': 'E'}
        \ : {'text': each}})
  call setqflist([], 'r', {'title': 'krach', 'items': entries})
  redraw
  echohl ErrorMsg
  echo split(text, "\n")[0]
  echohl None
endfunction

" Sends lines of the buffer. Vim tells the end of the output and the status apart: both are waited for.
function! KrachSend(first, last) abort
  call s:flash(a:first, a:last)
  let file = expand('%:p') ==# '' ? '<buffer>' : expand('%:p')
  let job = {'buffer': bufnr('%'), 'first': a:first, 'file': file, 'out': [], 'err': []}
  let line = [g:krach_command, 'send', '--file', file, '--line', string(a:first)]
  let text = join(getline(a:first, a:last), "\n") . "\n"
  if !executable(g:krach_command)
    let job.err = [g:krach_command . ' is not there: let g:krach_command name it']
    return s:ended(job, 127)
  endif
  if has('nvim')
    let number = jobstart(line, {
          \ 'stdout_buffered': 1, 'stderr_buffered': 1,
          \ 'on_stdout': {_, data, name -> extend(job.out, data)},
          \ 'on_stderr': {_, data, name -> extend(job.err, data)},
          \ 'on_exit': {_, status, name -> s:ended(job, status)},
          \ })
    call chansend(number, text)
    call chanclose(number, 'stdin')
  else
    let job.waits = 2
    let job.handle = job_start(line, {
          \ 'out_cb': {_, each -> add(job.out, each)},
          \ 'err_cb': {_, each -> add(job.err, each)},
          \ 'exit_cb': {_, status -> s:one_less(job, status)},
          \ 'close_cb': {_ -> s:one_less(job, -1)},
          \ 'in_io': 'pipe',
          \ })
    let channel = job_getchannel(job.handle)
    call ch_sendraw(channel, text)
    call ch_close_in(channel)
  endif
endfunction

function! s:one_less(job, status) abort
  let a:job.waits -= 1
  if a:status >= 0
    let a:job.status = a:status
  endif
  if a:job.waits == 0
    call s:ended(a:job, a:job.status)
  endif
endfunction

function! s:send_block() abort
  let block = s:block_at(line('.'))
  if empty(block)
    echo 'krach: there is no block here'
  else
    call KrachSend(block[0], block[1])
  endif
endfunction

let g:krach_command = get(g:, 'krach_command', 'krach')

command! -range KrachSend call KrachSend(<line1>, <line2>)
nnoremap <silent> <Plug>(KrachSend) :<C-u>call <SID>send_block()<CR>
xnoremap <silent> <Plug>(KrachSend) :KrachSend<CR>

if !get(g:, 'krach_no_mappings', 0)
  augroup krach
    autocmd!
    autocmd FileType python nmap <buffer> <LocalLeader>e <Plug>(KrachSend)
    autocmd FileType python xmap <buffer> <LocalLeader>e <Plug>(KrachSend)
  augroup END
endif
