/* SPDX-License-Identifier: Apache-2.0
 * libjpeg-turbo's version texts. */
#define JVERSION "6b  27-Mar-1998"
#define JCOPYRIGHT1 "Copyright (C) 2009-2023 D. R. Commander and others"
#define JCOPYRIGHT2 "Copyright (C) 1991-2016 Thomas G. Lane, Guido Vollbeding"
#define JCOPYRIGHT_SHORT "Copyright (C) 1991-2023 The libjpeg-turbo Project and many others"
